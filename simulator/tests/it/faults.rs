use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::Value;
use simulator::{Calls, Fault};

use crate::support::{CONFIG_MAPS, TestCluster, config_map};

#[tokio::test]
async fn ordered_failures_come_and_go() {
    let test = TestCluster::with_namespace().await;
    let fault = Fault::Status(429, Some(Duration::from_secs(2)));
    test.cluster.faults().fail_matching(Calls::to("create", "configmaps"), 1, fault);

    let list = test.get(CONFIG_MAPS).await;
    let first = test.post(CONFIG_MAPS, config_map("a", "1")).await;
    let second = test.post(CONFIG_MAPS, config_map("a", "1")).await;

    assert_eq!(list.status, 200);
    assert_eq!(first.status, 429);
    assert_eq!(first.headers["retry-after"], "2");
    assert_eq!(second.status, 201);
}

#[tokio::test]
async fn a_lost_answer_has_had_its_effect() {
    let test = TestCluster::with_namespace().await;
    test.cluster.faults().fail_next(1, Fault::LostAnswer);

    let response = test.call("POST", CONFIG_MAPS, "application/json", config_map("a", "1")).await;

    assert!(response.into_body().collect().await.is_err());
    assert_eq!(test.get(&format!("{CONFIG_MAPS}/a")).await.status, 200);
}

#[tokio::test]
async fn a_rate_strikes_the_same_calls_for_the_same_seed() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let test = TestCluster::with_namespace().await;
        test.cluster.faults().fail_at_rate(0.5, 7, &[Fault::Timeout]);
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(test.get(CONFIG_MAPS).await.status.as_u16());
        }
        runs.push(statuses);
    }

    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&504));
}

#[tokio::test]
async fn watches_are_dropped_or_expire() {
    let test = TestCluster::with_namespace().await;
    let mut dropped = test.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion=2")).await;
    assert!(dropped.next().await.is_some());
    test.cluster.faults().drop_watches();
    while let Some(event) = dropped.next().await {
        assert_ne!(event["type"], "ERROR");
    }

    let mut expired = test.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    assert!(expired.next().await.is_some());
    test.cluster.faults().expire_watches();
    let event = expired.next().await.unwrap();

    assert_eq!(event["type"], "ERROR");
    assert_eq!(event["object"]["code"], 410);
    assert_eq!(event["object"]["reason"], Value::String("Expired".into()));
    assert!(expired.next().await.is_none());
    let mut late = test.watch(&format!("{CONFIG_MAPS}?watch=1&resourceVersion=2")).await;
    assert_eq!(late.next().await.unwrap()["type"], "ERROR");
}

#[tokio::test]
async fn a_watch_may_keep_changes_to_itself() {
    let test = TestCluster::with_namespace().await;
    let mut watch = test.watch(&format!("{CONFIG_MAPS}?watch=1")).await;
    test.cluster.faults().lose_changes(3);

    for name in ["a", "b", "c", "d"] {
        test.post(CONFIG_MAPS, config_map(name, "1")).await.ok();
    }

    let name = |event: &Value| event["object"]["metadata"]["name"].as_str().unwrap().to_owned();
    let told: Vec<String> = watch.all_so_far().iter().map(name).collect();
    assert_eq!(told[told.len() - 3..], ["a", "b", "d"]);
}
