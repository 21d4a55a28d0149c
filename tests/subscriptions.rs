use serde_json::{Value, json};

use crate::support::{Socket, Subscription, TestApp};

const WORKFLOW: &str = "subscription($id: ID!, $after: Cursor) {
    workflowChanged(id: $id, after: $after) {
        cursor workflow { status } task { name status } } }";

fn cursor(item: &Value) -> String {
    item["workflowChanged"]["cursor"].as_str().unwrap().to_owned()
}

fn ended(item: &Value) -> bool {
    let change = &item["workflowChanged"];
    change["task"].is_null() && change["workflow"]["status"] == "SUCCESS"
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_followed_live_and_resumed_from_any_cursor() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let start = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let (_, _, workflow) = ada.buy(&product, "web").await;

    let variables = json!({ "id": workflow, "after": start });
    let items = Subscription::start(&address, &token, WORKFLOW, variables).await.until(ended).await;

    let cursors: Vec<_> = items.iter().map(cursor).collect();
    assert!(cursors.is_sorted_by(|a, b| a < b), "{cursors:?}");
    assert_eq!(items[0]["workflowChanged"]["workflow"]["status"], "PENDING");
    for (place, cursor) in cursors.iter().enumerate().step_by(3) {
        let variables = json!({ "id": workflow, "after": cursor });
        let mut resumed = Subscription::start(&address, &token, WORKFLOW, variables).await;
        for expected in &items[place + 1..] {
            assert_eq!(resumed.next().await, *expected, "after item {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_shows_its_part_of_a_purchase() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let after = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let (order, instance, workflow) = ada.buy(&product, "web").await;
    let follow = async |document: &str, variables: Value| {
        Subscription::start(&address, &token, document, variables).await
    };

    let orders = follow(
        "subscription($id: ID, $after: Cursor) {
            orderChanged(id: $id, after: $after) { order { status } event { type } } }",
        json!({ "id": order, "after": after }),
    )
    .await
    .until(|item| item["orderChanged"]["order"]["status"] == "COMPLETED")
    .await;
    let instances = follow(
        "subscription($id: ID, $after: Cursor) {
            instanceChanged(id: $id, after: $after) { instance { status } event { type } } }",
        json!({ "id": instance, "after": after }),
    )
    .await
    .until(|item| item["instanceChanged"]["instance"]["status"] == "RUNNING")
    .await;
    let tasks = follow(
        "subscription($id: ID, $after: Cursor) { taskChanged(workflowId: $id, after: $after) {
            previousStatus task { name status } } }",
        json!({ "id": workflow, "after": after }),
    )
    .await
    .until(|item| {
        let task = &item["taskChanged"]["task"];
        task["name"] == "await_rollout" && task["status"] == "SUCCESS"
    })
    .await;
    let pods = follow(
        "subscription($id: ID, $after: Cursor) { podStateChanged(instanceId: $id, after: $after) {
            kind pod { name phase ready } instance { name } } }",
        json!({ "id": instance, "after": after }),
    )
    .await
    .until(|item| item["podStateChanged"]["pod"]["ready"] == true)
    .await;
    let events = follow(
        "subscription($after: Cursor) { events(filter: { types: [\"ORDER_PLACED\", \"ORDER_COMPLETED\"] },
            after: $after) { type } }",
        json!({ "after": after }),
    )
    .await
    .until(|item| item["events"]["type"] == "ORDER_COMPLETED")
    .await;

    let statuses: Vec<_> =
        orders.iter().map(|item| &item["orderChanged"]["order"]["status"]).collect();
    assert_eq!(statuses, ["PENDING", "PAID", "COMPLETED"]);
    assert_eq!(instances[0]["instanceChanged"]["event"]["type"], "INSTANCE_CREATED");
    assert_eq!(tasks[0]["taskChanged"]["previousStatus"], Value::Null);
    assert_eq!(pods[0]["podStateChanged"]["kind"], "ADDED");
    assert_eq!(pods[0]["podStateChanged"]["instance"]["name"], "web");
    assert_eq!(events.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_without_a_cursor_shows_only_what_happens_from_now_on() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    ada.place_order(&product, "before").await.ok();
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let document = "subscription { orderChanged { order { instanceName } } }";
    let mut socket = Socket::connect(&address, Some(&token)).await;
    socket.subscribe("1", document, json!({})).await;
    // An answer to a later message shows that the subscription has been taken up.
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await["type"], "pong");

    let mut place = 0;
    let first = loop {
        ada.place_order(&product, &format!("after{place}")).await.ok();
        place += 1;
        let heard = tokio::time::timeout(std::time::Duration::from_secs(1), socket.hear()).await;
        if let Ok(message) = heard {
            break message["payload"]["data"]["orderChanged"]["order"]["instanceName"].clone();
        }
    };

    assert!(first.as_str().unwrap().starts_with("after"), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_subscribes_to_silence_and_nobody_to_a_refusal() {
    let mut app = TestApp::new().await;
    let (root, ada, eve) = (app.admin().await, app.user("ada").await, app.user("eve").await);
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let after = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let (_, _, workflow) = ada.buy(&product, "web").await;
    let variables = json!({ "id": workflow, "after": after });

    let mut socket = Socket::connect(&address, None).await;
    socket.subscribe("1", WORKFLOW, variables.clone()).await;
    let refused = socket.hear().await;
    let mut silent = Socket::connect(&address, eve.token.as_deref()).await;
    silent.subscribe("1", WORKFLOW, variables.clone()).await;
    Subscription::start(&address, ada.token.as_deref().unwrap(), WORKFLOW, variables)
        .await
        .until(ended)
        .await;

    let text = refused.to_string();
    assert!(text.contains("UNAUTHENTICATED"), "{text}");
    silent.say(json!({ "type": "ping" })).await;
    assert_eq!(silent.hear().await["type"], "pong", "nothing came before the answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_falls_behind_misses_nothing() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let after = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let document = "subscription($after: Cursor) { orderChanged(after: $after) {
        cursor order { instanceName } } }";
    let token = ada.token.clone().unwrap();
    let mut slow = Subscription::start(&address, &token, document, json!({ "after": after })).await;

    for place in 0..300 {
        ada.place_order(&product, &format!("web{place}")).await.ok();
    }

    for place in 0..300 {
        let item = slow.next().await;
        assert_eq!(item["orderChanged"]["order"]["instanceName"], format!("web{place}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_cursor_is_an_error_with_a_code() {
    let mut app = TestApp::new().await;
    let ada = app.user("ada").await;
    let address = app.live().await;
    let document = "subscription { events(after: \"c0000000000ffffff\") { type } }";

    let token = ada.token.clone().unwrap();
    let error = Subscription::start(&address, &token, document, json!({})).await.error().await;

    assert_eq!(error["extensions"]["code"], "INVALID", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_task_is_followed_and_resumed_from_its_offset() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, _, workflow) = ada.buy(&product, "web").await;
    let tasks = ada.workflow(&workflow).await["tasks"].clone();
    let task = tasks.as_array().unwrap().iter().find(|task| task["name"] == "await_rollout");
    let task = task.unwrap()["id"].clone();
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let document = "subscription($id: ID!, $from: Long) {
        taskLog(taskId: $id, fromOffset: $from) { attempt offset nextOffset text } }";

    let variables = json!({ "id": task, "from": "0" });
    let live = Subscription::start(&address, &token, document, variables)
        .await
        .until(|item| item["taskLog"]["text"].as_str().unwrap().contains("replicas ready"))
        .await;
    let variables = json!({ "id": task, "from": "5" });
    let resumed = Subscription::start(&address, &token, document, variables).await.next().await;

    let last = &live.last().unwrap()["taskLog"];
    assert_eq!((&last["attempt"], &last["text"]), (&json!(1), &json!("1 of 1 replicas ready\n")));
    assert_eq!(resumed["taskLog"]["text"], "1 replicas ready\n");
    assert_eq!(resumed["taskLog"]["nextOffset"], "22");
}
