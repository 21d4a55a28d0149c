// Chromium, and a watch over everything that a page does.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** With a profile of its own, which goes when it is closed. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
}

/** A page of somebody who was never here. */
export async function visit(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const seen = { foreign: [], complaints: [] };
  context.on("page", (page) => watch(page, new URL(address).host, seen));
  context.on("request", (request) => note(request.url(), new URL(address).host, seen));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      console.error(`the policy forbids ${violatedDirective}: ${blockedURI}`);
    });
  });
  const page = await context.newPage();
  await page.goto(address);
  return { page, seen };
}

/** The page has talked to nobody else, broken no rule of its policy, and complained of nothing. */
export function assertQuiet({ foreign, complaints }) {
  assert.deepEqual(foreign, []);
  assert.deepEqual(complaints, []);
}

function watch(page, host, seen) {
  page.on("websocket", (socket) => note(socket.url(), host, seen));
  page.on("pageerror", (error) => seen.complaints.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.complaints.push(message.text());
  });
}

function note(url, host, { foreign }) {
  const { protocol, host: other } = new URL(url);
  if (protocol !== "data:" && protocol !== "blob:" && other !== host) foreign.push(url);
}
