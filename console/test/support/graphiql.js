// GraphiQL as somebody at the screen uses it.
import { setTimeout as pause } from "node:timers/promises";
import { visit } from "./browser.js";

const PATIENCE = 30_000;

export class GraphiQL {
  static async visit(browser, address, options) {
    const { page, seen } = await visit(browser, address, options);
    const graphiql = new GraphiQL(page, seen);
    await graphiql.ready();
    return graphiql;
  }

  constructor(page, seen) {
    this.page = page;
    this.seen = seen;
  }

  async ready() {
    await this.page.locator(".graphiql-query-editor .monaco-editor").waitFor();
    await this.page.locator(".graphiql-editor-tool .monaco-editor").first().waitFor();
  }

  async reload() {
    await this.page.reload();
    await this.ready();
  }

  async tab(name) {
    await this.page.getByRole("tab", { name }).click();
  }

  /** Goes where the page suggests to go. */
  async next(name) {
    await this.page.getByRole("button", { name: `Next: ${name}` }).click();
  }

  async newTab(query, variables = {}) {
    await this.page.getByRole("button", { name: "New tab" }).click();
    await this.write("operation.graphql", query);
    await this.write("variables.json", JSON.stringify(variables));
  }

  /** Runs what is in front; answers with its result. */
  async run() {
    await this.start();
    return this.result((result) => "data" in result || "errors" in result);
  }

  async start() {
    await this.page.getByRole("button", { name: /^Execute query/ }).click();
  }

  async stop() {
    await this.page.getByRole("button", { name: /^Stop query/ }).click();
  }

  /** What the result pane shows, as soon as it is what is waited for. */
  async result(isWanted) {
    const start = Date.now();
    for (;;) {
      const text = await this.read("response.json");
      if (text && isWanted(JSON.parse(text))) return JSON.parse(text);
      if (Date.now() - start > PATIENCE) throw new Error(`not what was waited for: ${text}`);
      await pause(50);
    }
  }

  async variables() {
    return JSON.parse(await this.read("variables.json"));
  }

  /** A text of GraphiQL's, which it keeps as models of its editor. */
  read(name) {
    return this.page.evaluate((name) => {
      const models = globalThis.__MONACO.editor.getModels();
      return models.find(({ uri }) => uri.path.endsWith(name))?.getValue();
    }, name);
  }

  write(name, text) {
    return this.page.evaluate(([name, text]) => {
      const models = globalThis.__MONACO.editor.getModels();
      models.find(({ uri }) => uri.path.endsWith(name)).setValue(text);
    }, [name, text]);
  }

  /** What the page says of the subscription, as soon as it says that. */
  async waitForState(text) {
    await this.page.locator(".live", { hasText: text }).waitFor();
  }

  async waitForAccount(text) {
    await this.page.locator(".account [role=status]", { hasText: text }).waitFor();
  }
}
