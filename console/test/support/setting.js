// What every file of tests has: a server and a browser.
import { after, before } from "node:test";
import { launch } from "./browser.js";
import { Server } from "./server.js";

export function setting() {
  const made = {};
  before(async () => {
    made.server = await Server.start();
    made.browser = await launch();
  });
  after(async () => {
    await made.browser?.close();
    await made.server?.stop();
  });
  return made;
}
