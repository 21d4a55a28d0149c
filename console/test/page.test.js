import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { assertQuiet, visit } from "./support/browser.js";
import { GraphiQL } from "./support/graphiql.js";
import { setting } from "./support/setting.js";

const place = setting();

test("what the page loads is compressed, typed and kept for good", async () => {
  const { address } = place.server;
  const page = await fetch(`${address}/graphql`, { headers: { accept: "text/html" } });
  const names = [...(await page.text()).matchAll(/"(\/console\/assets\/[^"]+)"/g)].map(([, name]) => name);
  assert.match(page.headers.get("content-security-policy"), /^default-src 'none'; script-src 'self';/);
  assert.ok(names.length >= 3);

  for (const name of names) {
    const plain = await load(`${address}${name}`, "identity");
    const packed = await load(`${address}${name}`, "gzip");

    assert.deepEqual(gunzipSync(packed.body), plain.body);
    assert.match(packed.headers["cache-control"], /immutable/);
    assert.match(packed.headers["content-type"], /^(text\/javascript|text\/css|image\/svg\+xml)/);
    assert.equal(packed.headers["x-content-type-options"], "nosniff");
  }
  assert.equal((await fetch(`${address}/console/assets/nothing.js`)).status, 404);
});

test("the system says whether it is dark, and GraphiQL's own switch goes before that", async () => {
  const graphiql = await GraphiQL.visit(place.browser, place.server.address, { colorScheme: "dark" });
  const paper = () => graphiql.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await paper();

  await graphiql.page.getByRole("button", { name: "Open settings dialog" }).click();
  await graphiql.page.getByRole("button", { name: "Light" }).click();

  const light = await paper();
  assert.notEqual(light, dark);
  await graphiql.reload();
  assert.equal(await paper(), light);
  await graphiql.page.emulateMedia({ colorScheme: "light" });
  assert.equal(await paper(), light);
  assertQuiet(graphiql.seen);
});

test("the documentation of the schema is there to be read", async () => {
  const graphiql = await GraphiQL.visit(place.browser, place.server.address);

  await graphiql.page.getByRole("button", { name: "Show Documentation Explorer" }).click();

  await graphiql.page.getByRole("link", { name: "Subscription" }).click();
  await graphiql.page.getByRole("link", { name: "workflowChanged" }).waitFor();
  assertQuiet(graphiql.seen);
});

test("the plain page runs queries and subscriptions", async () => {
  const { page, seen } = await visit(place.browser, `${place.server.address}/console/plain`);
  await page.getByLabel("Operation").fill('mutation { register(input: { email: "plain@example.com", password: "correct horse", nickname: "Ada" }) { accessToken } }');
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator("#state", { hasText: "200" }).waitFor();
  const { data } = JSON.parse(await page.locator("#result").textContent());
  await page.getByLabel("Access token").fill(data.register.accessToken);

  await page.getByLabel("Operation").fill("subscription { orderChanged { order { status } } }");
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator("#state", { hasText: "live" }).waitFor();
  const [product] = (await place.server.ask("{ products { nodes { id } } }")).data.products.nodes;
  await place.server.ask(
    'mutation($product: ID!) { placeOrder(input: { productId: $product, instanceName: "web" }) { cursor } }',
    { product: product.id },
    data.register.accessToken,
  );

  await page.locator("#result", { hasText: "PENDING" }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  assertQuiet(seen);
});

/** Unlike `fetch`, which takes what it likes and unpacks it. */
function load(url, coding) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { "accept-encoding": coding } }, async (response) => {
      const body = Buffer.concat(await response.toArray());
      resolve({ headers: response.headers, body });
    });
    sent.on("error", reject).end();
  });
}
