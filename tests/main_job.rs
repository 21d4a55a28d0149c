//! What Slipway is for, from end to end, over HTTP and a WebSocket.

use serde_json::json;

use crate::support::{Subscription, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_registers_buys_and_watches_the_instance_until_it_runs() {
    let mut app = TestApp::new().await;
    let root = app.admin().await;
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let ada = app.user("ada").await.login("ada").await;
    let placed = ada.place_order(&product, "web").await.ok();
    let order = placed["placeOrder"]["order"]["id"].as_str().unwrap().to_owned();
    let before = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let paid = ada.pay_order(&order).await.ok()["payOrder"].clone();
    let instance = paid["order"]["instance"]["id"].as_str().unwrap().to_owned();

    let document = "subscription($id: ID!, $after: Cursor) {
        workflowChanged(id: $id, after: $after) { workflow { status } task { name status error } } }";
    let variables = json!({ "id": paid["workflow"]["id"], "after": before });
    let token = ada.token.clone().unwrap();
    Subscription::start(&address, &token, document, variables)
        .await
        .until(|item| item["workflowChanged"]["workflow"]["status"] == "SUCCESS")
        .await;

    let document = "subscription($id: ID, $after: Cursor) {
        podStateChanged(instanceId: $id, after: $after) { pod { ready } } }";
    let variables = json!({ "id": instance, "after": before });
    Subscription::start(&address, &token, document, variables)
        .await
        .until(|item| item["podStateChanged"]["pod"]["ready"] == true)
        .await;
    let order = ada.order(&order).await;
    let instance = ada.instance(&instance).await;
    assert_eq!((&order["status"], &instance["status"]), (&json!("COMPLETED"), &json!("RUNNING")));
    assert!(order["paidAt"].is_string() && order["completedAt"].is_string());
    assert_eq!(instance["pods"][0]["ready"], true);
    assert!(instance["network"]["endpointUrl"].as_str().unwrap().starts_with("http://web-"));
}
