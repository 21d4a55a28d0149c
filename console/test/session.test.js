import assert from "node:assert/strict";
import { test } from "node:test";
import { assertQuiet } from "./support/browser.js";
import { GraphiQL } from "./support/graphiql.js";
import { setting } from "./support/setting.js";

const place = setting();
const VIEWER = "{ viewer { nickname } }";

test("a session lasts as long as its browser tab", async () => {
  const { graphiql, tokens } = await signedIn("tab");

  await graphiql.reload();

  await graphiql.waitForAccount("Signed in as Ada");
  const kept = await graphiql.page.evaluate(() => JSON.stringify(localStorage));
  assert.ok(!kept.includes(tokens.accessToken) && !kept.includes(tokens.refreshToken));
  const other = await graphiql.page.context().newPage();
  await other.goto(place.server.address);
  await other.getByLabel("Access token").waitFor();
  assert.equal(await other.getByLabel("Access token").inputValue(), "");
  assertQuiet(graphiql.seen);
});

test("a token is exchanged before it ends", async () => {
  const { graphiql, tokens } = await signedIn("exchange");
  await change(graphiql, { expiresAt: new Date(Date.now() + 5_000).toISOString() });

  await graphiql.newTab(VIEWER);
  const { data } = await graphiql.run();

  assert.equal(data.viewer.nickname, "Ada");
  const fresh = await stored(graphiql);
  assert.notEqual(fresh.refreshToken, tokens.refreshToken);
  assert.ok(Date.parse(fresh.expiresAt) > Date.now() + 600_000);
  assertQuiet(graphiql.seen);
});

test("a subscription exchanges a token that is no longer good", async () => {
  const { graphiql } = await signedIn("follow");
  await change(graphiql, { accessToken: "nonsense" });

  await graphiql.newTab("subscription { events { type } }");
  await graphiql.start();
  await graphiql.waitForState("live");

  const { accessToken } = await stored(graphiql);
  await placeOrder(accessToken);
  const { newestFirst } = await graphiql.result(({ received }) => received > 0);
  assert.deepEqual(newestFirst, [{ events: { type: "ORDER_PLACED" } }]);
});

test("a subscription ends with its session", async () => {
  const { graphiql, tokens } = await signedIn("end");
  await graphiql.newTab("subscription { events { type } }");
  await graphiql.start();
  await graphiql.waitForState("live");

  await place.server.ask("mutation { logout { cursor } }", {}, tokens.accessToken);

  const { errors } = await graphiql.result((result) => "errors" in result);
  assert.equal(errors[0].message, "The session has ended.");
  await graphiql.waitForAccount("The session has ended.");
});

test("a login works where an old session is dead", async () => {
  const { graphiql } = await signedIn("dead");
  await change(graphiql, { accessToken: "nonsense", refreshToken: "nonsense" });

  await graphiql.tab("LogIn");
  await graphiql.write("variables.json", JSON.stringify({ input: { email: "dead@example.com", password: "correct horse" } }));
  const { data } = await graphiql.run();

  await graphiql.waitForAccount("Signed in as Ada");
  assert.equal((await stored(graphiql)).accessToken, data.login.accessToken);
});

test("signing out ends the session at the server too", async () => {
  const { graphiql, tokens } = await signedIn("out");

  await graphiql.page.getByRole("button", { name: "Sign out" }).click();

  await graphiql.page.getByRole("button", { name: "Sign out" }).waitFor({ state: "detached" });
  await graphiql.newTab(VIEWER);
  assert.equal((await graphiql.run()).errors[0].extensions.code, "UNAUTHENTICATED");
  const { errors } = await place.server.ask(
    "mutation($token: String!) { refreshSession(refreshToken: $token) { accessToken } }",
    { token: tokens.refreshToken },
  );
  assert.equal(errors[0].extensions.code, "UNAUTHENTICATED");
});

test("a token that is not good is refused", async () => {
  const graphiql = await GraphiQL.visit(place.browser, place.server.address);

  await graphiql.page.getByLabel("Access token").fill("nonsense");
  await graphiql.page.getByLabel("Access token").press("Enter");

  await graphiql.waitForAccount("The token is not good.");
});

test("headers go along with a request", async () => {
  const { graphiql } = await signedIn("headers");
  await graphiql.tab("Products");
  await graphiql.run();
  await graphiql.next("PlaceOrder");
  await graphiql.page.getByRole("button", { name: "Headers" }).click();
  await graphiql.write("request-headers.json", '{ "idempotency-key": "order-1" }');
  await graphiql.write("operation.graphql", (await graphiql.read("operation.graphql")).replace("order {", "replayed order {"));

  const first = (await graphiql.run()).data.placeOrder;
  const second = (await graphiql.run()).data.placeOrder;

  assert.deepEqual([first.replayed, second.replayed], [false, true]);
  assert.equal(first.order.id, second.order.id);
});

async function signedIn(name) {
  const graphiql = await GraphiQL.visit(place.browser, place.server.address);
  const input = { email: `${name}@example.com`, password: "correct horse", nickname: "Ada" };
  await graphiql.write("variables.json", JSON.stringify({ input }));
  const tokens = (await graphiql.run()).data.register;
  await graphiql.waitForAccount("Signed in as Ada");
  return { graphiql, tokens };
}

async function placeOrder(token) {
  const [product] = (await place.server.ask("{ products { nodes { id } } }")).data.products.nodes;
  await place.server.ask(
    "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { cursor } }",
    { input: { productId: product.id, instanceName: "web" } },
    token,
  );
}

async function stored(graphiql) {
  const text = await graphiql.page.evaluate(() => sessionStorage.getItem("slipway:session"));
  return JSON.parse(text).state;
}

/** Changes what is stored of the session, and loads the page with that. */
async function change(graphiql, changes) {
  const state = { ...(await stored(graphiql)), ...changes };
  await graphiql.page.evaluate((text) => sessionStorage.setItem("slipway:session", text), JSON.stringify({ state, version: 0 }));
  await graphiql.reload();
}
