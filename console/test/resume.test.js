import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphiQL } from "./support/graphiql.js";
import { setting } from "./support/setting.js";

const place = setting();

const DOCUMENTS = {
  "asks for its place": "subscription Mine($from: Cursor) { events(after: $from) { cursor type } }",
  "does not ask for it": "subscription { mine: events { type } }",
};

for (const [how, query] of Object.entries(DOCUMENTS)) {
  test(`a subscription that ${how} survives a server that dies`, async () => {
    const { browser, server } = place;
    const token = await register(server, how);
    const { cursor } = (await server.ask("{ cursor }", {}, token)).data;
    const graphiql = await signedIn(browser, server, token);
    await graphiql.newTab(query, how === "asks for its place" ? { from: cursor } : {});
    await graphiql.start();
    await graphiql.waitForState("live");

    await buy(server, token, "before");
    await graphiql.result(({ received }) => received > 3);
    await server.kill();
    await graphiql.waitForState("reconnecting");
    await server.run();
    // Perhaps before the page is back.
    const order = await buy(server, token, "after");

    const expected = await eventsOnceRunning(server, token, cursor, order);
    const { received, newestFirst } = await graphiql.result(({ received }) => received >= expected.length);
    const items = newestFirst.map((item) => Object.values(item)[0]).reverse();
    // The page shows the newest hundred.
    const unseen = received - items.length;
    assert.equal(items.length, Math.min(received, 100));
    assert.deepEqual(items.slice(0, expected.length - unseen).map(({ type }) => type), expected.slice(unseen));
    assert.equal("cursor" in items[0], query.includes("cursor"));
    await graphiql.waitForState("resumed 1×");
    await graphiql.stop();
    await graphiql.waitForState("ended");
    assert.deepEqual(graphiql.seen.foreign, []);
  });
}

test("a task's log goes on behind what was read", async () => {
  const { browser, server } = place;
  const token = await register(server, "log");
  const { cursor } = (await server.ask("{ cursor }", {}, token)).data;
  await eventsOnceRunning(server, token, cursor, await buy(server, token, "log"));
  const { nodes } = (await server.ask("{ tasks { nodes { id log { text } } } }", {}, token)).data.tasks;
  const { id, log } = nodes.find(({ log }) => log.text !== "");
  const graphiql = await signedIn(browser, server, token);
  const sent = subscribeMessages(graphiql.page);
  await graphiql.newTab(`subscription { taskLog(taskId: "${id}") { text } }`);
  await graphiql.start();
  await graphiql.result(({ newestFirst }) => newestFirst?.map(({ taskLog }) => taskLog.text).reverse().join("") === log.text);

  await server.kill();
  await graphiql.waitForState("reconnecting");
  await server.run();
  await graphiql.waitForState("resumed 1×");

  const { resume_fromOffset, resume_attempt } = sent.at(-1).payload.variables;
  assert.deepEqual([resume_fromOffset, resume_attempt], [String(Buffer.byteLength(log.text)), 1]);
});

async function signedIn(browser, server, token) {
  const graphiql = await GraphiQL.visit(browser, server.address);
  await graphiql.page.getByLabel("Access token").fill(token);
  await graphiql.page.getByLabel("Access token").press("Enter");
  await graphiql.waitForAccount("Signed in as Ada");
  return graphiql;
}

/** What the page asks for over its WebSockets, from now on. */
function subscribeMessages(page) {
  const messages = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => {
      const message = JSON.parse(payload);
      if (message.type === "subscribe") messages.push(message);
    }),
  );
  return messages;
}

async function register(server, name) {
  const input = { email: `${name.replaceAll(" ", "-")}@example.com`, password: "correct horse", nickname: "Ada" };
  const query = "mutation($input: RegisterInput!) { register(input: $input) { accessToken } }";
  return (await server.ask(query, { input })).data.register.accessToken;
}

async function buy(server, token, name) {
  const [product] = (await server.ask("{ products { nodes { id } } }")).data.products.nodes;
  const placed = await server.ask(
    "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } } }",
    { input: { productId: product.id, instanceName: name } },
    token,
  );
  const { id } = placed.data.placeOrder.order;
  await server.ask("mutation($id: ID!) { payOrder(id: $id) { cursor } }", { id }, token);
  return id;
}

/** The types of all events behind a cursor, as soon as the instance runs. */
async function eventsOnceRunning(server, token, after, id) {
  const query = `query($id: ID!, $after: Cursor) {
    order(id: $id) { status }
    events(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { type } }
  }`;
  for (let types = [], from = after; ; ) {
    const { order, events } = (await server.ask(query, { id, after: from }, token)).data;
    types.push(...events.nodes.map(({ type }) => type));
    from = events.pageInfo.endCursor ?? from;
    if (!events.pageInfo.hasNextPage && order.status === "COMPLETED") return types;
  }
}
