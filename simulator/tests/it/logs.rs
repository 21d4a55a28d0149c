use serde_json::json;

use crate::support::{PODS, TestCluster, Watch};

async fn with_pod(image: &str, restart: &str) -> TestCluster {
    let test = TestCluster::with_namespace().await;
    let spec = json!({
        "restartPolicy": restart,
        "containers": [{"name": "main", "image": image, "ports": [{"containerPort": 80}]}],
    });
    test.make(PODS, "one", json!({"spec": spec})).await;
    test.advance(1.5);
    test
}

async fn follow(test: &TestCluster, query: &str) -> Watch {
    test.watch(&format!("{PODS}/one/log?follow=true{query}")).await
}

#[tokio::test]
async fn a_followed_log_ends_with_its_container() {
    let test = with_pod("sum:1", "Never").await;
    let mut log = follow(&test, "").await;

    let begun = log.texts_so_far();
    test.advance(5.0);
    let rest = log.texts_so_far();

    assert_eq!(begun, "main: starting sum:1\nmain: listening on port 80\n");
    assert_eq!(rest, "main: done\n");
    assert!(log.is_over());
}

#[tokio::test]
async fn a_followed_log_goes_on_from_its_tail() {
    let test = with_pod("web:1", "Always").await;
    test.advance(30.0);
    let mut log = follow(&test, "&tailLines=1").await;

    let begun = log.texts_so_far();
    test.advance(10.0);
    let more = log.texts_so_far();
    test.delete(&format!("{PODS}/one")).await.ok();
    test.advance(5.0);
    log.texts_so_far();

    assert_eq!(begun, "main: serving\n");
    assert_eq!(more, "main: serving\n");
    assert!(log.is_over());
}
