// Chromium, and a watch over everything that a page does.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page of a browser that knows nothing yet. */
export async function open(browser, address, { colorScheme = "light" } = {}) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const seen = { foreign: [], complaints: [] };
  const note = (url) => new URL(url).host === new URL(address).host || /^(data|blob):/.test(url) || seen.foreign.push(url);
  context.on("request", (request) => note(request.url()));
  page.on("websocket", (socket) => note(socket.url()));
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.complaints.push(message.text());
  });
  await page.goto(address);
  return { page, context, seen };
}

/** The page has talked to nobody else, broken no rule of its policy, and complained of nothing. */
export function assertQuiet({ foreign, complaints }) {
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
}
