//! Subscribers who ask for the same share one execution.

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::{Subscription, TestApp};

const FOLLOW: &str = "subscription($after: Cursor) {
    orderChanged(after: $after) { order { instanceName product { name } } } }";

fn name(item: &Value) -> String {
    item["orderChanged"]["order"]["instanceName"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_follow_the_same_cost_fewer_statements_than_they_are() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let after = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let start = || Subscription::start(&address, &token, FOLLOW, json!({ "after": after }));
    let mut subscribers = join_all((0..100).map(|_| start())).await;
    ada.place_order(&product, "first").await.ok();
    join_all(subscribers.iter_mut().map(Subscription::next)).await;
    let before = app.store.statements();

    ada.place_order(&product, "second").await.ok();
    let items = join_all(subscribers.iter_mut().map(Subscription::next)).await;

    assert!(items.iter().all(|item| name(item) == "second"));
    let statements = app.store.statements() - before;
    assert!(statements < 100, "{statements} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_joins_at_any_moment_misses_and_repeats_nothing() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let address = app.live().await;
    let token = ada.token.clone().unwrap();
    let after = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let expected: Vec<String> = (0..40).map(|number| format!("web-{number}")).collect();
    let everything = async || {
        let variables = json!({ "after": after });
        let mut subscriber = Subscription::start(&address, &token, FOLLOW, variables).await;
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            seen.push(name(&subscriber.next().await));
        }
        seen
    };

    let (progress, _) = watch::channel(0);
    let written = async {
        for (number, name) in expected.iter().enumerate() {
            ada.place_order(&product, name).await.ok();
            progress.send_replace(number);
        }
    };
    let read = join_all((0..8).map(|reader| {
        let (mut progress, everything) = (progress.subscribe(), &everything);
        async move {
            progress.wait_for(|number| *number >= reader * 4).await.unwrap();
            everything().await
        }
    }));
    let (seen, ()) = futures::join!(read, written);

    for (reader, seen) in seen.into_iter().enumerate() {
        assert_eq!(seen, expected, "reader {reader}");
    }
}
