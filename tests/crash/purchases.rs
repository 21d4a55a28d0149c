use serde_json::{Value, json};

use super::{Caller, at_every_commit};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_purchase_survives_kill_9_at_every_commit() {
    at_every_commit(purchase, &["before", "after"]).await;
}

/// Buys an instance from a process that dies at `moment`, and from its successor; answers with how
/// many commits the last process made.
async fn purchase(moment: Option<String>) -> usize {
    let app = TestApp::new().await;
    let product = app.admin().await.create_product("web:1").await;
    let token = app.user("ada").await.token.unwrap();
    let mut caller = Caller::new(app, token, moment.as_deref()).await;

    let place = "mutation($product: ID!) {
        placeOrder(input: { productId: $product, instanceName: \"web\" }, idempotencyKey: \"1\") {
            order { id }
        }
    }";
    let placed = caller.insist(place, &json!({ "product": product })).await;
    let order = json!({ "id": placed["placeOrder"]["order"]["id"] });
    let pay = "mutation($id: ID!) { payOrder(id: $id, idempotencyKey: \"2\") { order { id } } }";
    caller.insist(pay, &order).await;
    let shown = "query($id: ID!) { order(id: $id) { status instance {
        status pods { ready } workflows { nodes { tasks { name status error waitReason } } }
    } } }";
    caller.until(shown, &order, moment.as_deref(), |shown| runs(&shown["order"])).await;

    assert_eq!(caller.cluster.deployments().await, ["web"], "{moment:?}");
    let count = "{ orders { totalCount } instances { totalCount }
        running: instances(filter: { status: [RUNNING] }) { totalCount } }";
    let counted = caller.insist(count, &json!({})).await;
    let one = json!({ "totalCount": 1 });
    let expected = json!({ "orders": one, "instances": one, "running": one });
    assert_eq!(counted, expected, "{moment:?}");
    caller.commits()
}

fn runs(order: &Value) -> bool {
    order["status"] == "COMPLETED" && order["instance"]["pods"] == json!([{ "ready": true }])
}
