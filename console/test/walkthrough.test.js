import assert from "node:assert/strict";
import { test } from "node:test";
import { assertQuiet } from "./support/browser.js";
import { GraphiQL } from "./support/graphiql.js";
import { picture } from "./support/picture.js";
import { setting } from "./support/setting.js";

const place = setting();

for (const colorScheme of ["light", "dark"]) {
  test(`the tabs lead from an account to a running instance, in the ${colorScheme}`, async () => {
    const graphiql = await GraphiQL.visit(place.browser, place.server.address, { colorScheme });
    assert.equal(await graphiql.page.title(), "Slipway");
    await graphiql.write("variables.json", JSON.stringify({ input: account(colorScheme) }));

    const { register } = (await graphiql.run()).data;
    await graphiql.waitForAccount("Signed in as Ada");
    assert.equal(await graphiql.page.getByLabel("Access token").inputValue(), register.accessToken);

    await graphiql.next("Products");
    const [first] = (await graphiql.run()).data.products.nodes;
    await graphiql.next("PlaceOrder");
    assert.deepEqual(await graphiql.variables(), { product: first.id, name: "web" });
    const { order } = (await graphiql.run()).data.placeOrder;
    await graphiql.next("PayOrder");
    assert.deepEqual(await graphiql.variables(), { order: order.id });
    const { cursor, workflow } = (await graphiql.run()).data.payOrder;

    await graphiql.next("Follow");
    assert.deepEqual(await graphiql.variables(), { workflow: workflow.id, after: cursor });
    await graphiql.start();
    const { received, newestFirst } = await graphiql.result(isFinished);
    assert.equal(received, newestFirst.length);
    assert.ok(received > 1);
    await graphiql.waitForState(`live · ${received} items`);
    await picture(graphiql.page, `graphiql-${colorScheme}`);

    await graphiql.next("OrderToLog");
    assert.equal(await graphiql.read("response.json"), "");
    const shown = (await graphiql.run()).data.order;
    assert.deepEqual([shown.status, shown.instance.status], ["COMPLETED", "RUNNING"]);
    assertQuiet(graphiql.seen);
  });
}

function account(colorScheme) {
  return { email: `${colorScheme}@example.com`, password: "correct horse", nickname: "Ada" };
}

function isFinished({ newestFirst }) {
  return newestFirst?.[0].workflowChanged.workflow.status === "SUCCESS";
}
