use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Subscription, TestApp};

const FOLLOW: &str = "subscription($uid: ID!, $after: String) {
    podLog(uid: $uid, after: $after) { uid position text } }";

/// The uid of the pod of an instance that has stood for a minute.
async fn pod(app: &TestApp, image: &str) -> (Client, String) {
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product(image).await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    while app.control_plane.run_next_task().await.unwrap() {}
    app.advance(Duration::from_secs(5));
    app.observe().await;
    let document = "query($id: ID!) { instance(id: $id) { pods { uid } } }";
    let shown = ada.send(document, json!({ "id": instance })).await.ok();
    (ada, shown["instance"]["pods"][0]["uid"].as_str().unwrap().to_owned())
}

fn lines(items: &[Value]) -> Vec<String> {
    let texts = items.iter().map(|item| item["podLog"]["text"].as_str().unwrap());
    texts.flat_map(str::lines).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_pods_log_is_a_field_of_the_pod() {
    let app = TestApp::new().await;
    let (ada, _) = pod(&app, "web:1").await;
    let logs = async |arguments: &str| {
        let document = format!("{{ instances {{ nodes {{ pods {{ log{arguments} }} }} }} }}");
        ada.send(&document, json!({})).await
    };

    let whole = logs("").await.ok();
    let last = logs("(tail: 1)").await.ok();
    let refused = logs("(tail: 1001)").await;

    let text = |data: &Value| data["instances"]["nodes"][0]["pods"][0]["log"].clone();
    assert_eq!(text(&whole), "app: starting web:1\napp: listening on port 8080\n");
    assert_eq!(text(&last), "app: listening on port 8080\n");
    assert_eq!((refused.code(), refused.extension("field")), ("INVALID", &json!("tail")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pods_log_is_followed_across_restarts_and_resumed() {
    let mut app = TestApp::new().await;
    let (ada, uid) = pod(&app, "crash:1").await;
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let follow = async |after: Value| {
        let variables = json!({ "uid": uid, "after": after });
        Subscription::start(&address, &token, FOLLOW, variables).await
    };
    let fatal = "app: fatal: giving up, exiting with code 1";
    let run = ["app: starting crash:1", "app: listening on port 8080", fatal];

    let mut log = follow(Value::Null).await;
    let mut items = Vec::new();
    while lines(&items).iter().filter(|line| *line == fatal).count() < 3 {
        items.push(log.next().await);
    }
    let resumed = follow(items.last().unwrap()["podLog"]["position"].clone()).await.next().await;

    let all = lines(&items);
    for (n, line) in all.iter().enumerate() {
        assert_eq!(line, run[n % 3], "{all:?}");
    }
    assert_eq!(lines(&[resumed])[0], run[all.len() % 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_pod_is_as_one_that_is_not_there() {
    let mut app = TestApp::new().await;
    let (_, uid) = pod(&app, "web:1").await;
    let eve = app.user("eve").await;
    let address = app.live().await;

    for uid in [uid.as_str(), "no-such-pod"] {
        let token = eve.token.clone().unwrap();
        let variables = json!({ "uid": uid });
        let mut stranger = Subscription::start(&address, &token, FOLLOW, variables).await;
        let error = stranger.error().await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
    }
}
