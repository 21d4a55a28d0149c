// The pictures of the documentation, which are made anew only when somebody says where to.
import { join } from "node:path";

const FOLDER = process.env.SLIPWAY_PICTURES;

export async function picture(page, name) {
  if (!FOLDER) return;
  // Nothing is hovered over or blinks.
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(FOLDER, `${name}.png`), animations: "disabled", caret: "hide" });
}
