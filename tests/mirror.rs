//! What other systems are told of instances.

use std::{collections::HashMap, env, time::Duration};

use domain::instances::{Message, Mirror, Snapshot};
use persistence::{MemoryMirror, RedisMirror};
use redis::{Client, cmd};
use serde_json::{Value, json};

use crate::support::TestApp;

const EVENT_TYPES: [&str; 10] = [
    "INSTANCE_CREATED",
    "INSTANCE_DELETED",
    "INSTANCE_IMAGE_REMOVED",
    "INSTANCE_IMAGE_UPDATED",
    "INSTANCE_K8S_SYNC",
    "INSTANCE_NETWORK_UPDATED",
    "INSTANCE_SPEC_CHANGED",
    "INSTANCE_STARTED",
    "INSTANCE_STATUS_CHANGED",
    "INSTANCE_STOPPED",
];

async fn mirrored(app: &TestApp) -> Vec<Message> {
    let mut reached = None;
    loop {
        let position = app.control_plane.mirror_events(reached).await.unwrap();
        if reached == Some(position) {
            return app.mirror.messages().into_iter().map(|(_, message)| message).collect();
        }
        reached = Some(position);
    }
}

fn snapshot(ready: i32) -> Snapshot {
    Snapshot {
        state: "Running",
        phase: "Running".to_owned(),
        ready_replicas: ready,
        total_replicas: 1,
        pod_name: Some("web-5d-x".to_owned()),
        message: None,
        error_reason: None,
        updated_at: 1_739_504_500,
    }
}

fn message() -> Message {
    Message {
        event_type: "INSTANCE_CREATED",
        instance_id: 912_345_678_901,
        timestamp: 1_739_525_000,
        user_id: 88,
        name: "my-llm-instance".to_owned(),
        data: json!({ "cpu": 2, "memory": 4096, "gpu": 0, "image": "registry.xxx/llm:v1" }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life_is_told_in_messages_and_snapshots() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, id, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    app.observe().await;
    let number = "query($id: ID!) { instance(id: $id) { number } }";
    let number = ada.send(number, json!({ "id": id })).await.ok()["instance"]["number"].clone();
    let number: i64 = number.as_str().unwrap().parse().unwrap();
    mirrored(&app).await;
    let running = app.mirror.snapshot(number).unwrap();

    ada.update_instance(&id, json!({ "image": "web:2" })).await.ok();
    app.run_tasks().await;
    ada.update_instance(&id, json!({ "cpuMillis": 2000 })).await.ok();
    app.run_tasks().await;
    ada.command("stopInstance", &id).await.ok();
    app.run_tasks().await;
    ada.command("deleteInstance", &id).await.ok();
    app.run_tasks().await;
    let messages = mirrored(&app).await;

    assert_eq!((running.state, running.phase.as_str()), ("Running", "Running"));
    assert_eq!((running.ready_replicas, running.total_replicas), (1, 1));
    assert!(running.pod_name.unwrap().starts_with("web-"));
    assert_eq!(app.mirror.snapshot(number), None, "it is gone");
    let mut told: Vec<&str> = messages.iter().map(|message| message.event_type).collect();
    assert_eq!(told[..2], ["INSTANCE_CREATED", "INSTANCE_NETWORK_UPDATED"]);
    told.sort_unstable();
    told.dedup();
    assert_eq!(told, EVENT_TYPES);
    assert!(messages.iter().all(|it| it.instance_id == number && it.user_id == 2));
    let created = json!({ "cpu": 0.25, "memory": 128, "gpu": null, "image": "web:1" });
    assert_eq!(messages[0].data, created);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_is_not_told_again() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    ada.buy(&product, "web").await;

    let once = mirrored(&app).await;
    let again = mirrored(&app).await;

    assert_eq!(once.len(), 2);
    assert_eq!(again, once);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_snapshot_never_overwrites_a_newer_one() {
    let mirror = MemoryMirror::default();

    mirror.keep(7, 12, Some(&snapshot(1))).await.unwrap();
    mirror.keep(7, 10, Some(&snapshot(0))).await.unwrap();

    assert_eq!(mirror.snapshot(7), Some(snapshot(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_holds_the_hash_and_the_stream() {
    let Ok(url) = env::var("SLIPWAY_TEST_REDIS") else { return };
    let mirror = RedisMirror::new(&url).unwrap();
    let mut redis = Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let number = 912_345_678_901;
    let key = format!("instance:k8s:{number}");
    let id = mirror.newest().await.unwrap().unwrap_or(0) + 1_000;

    mirror.tell(id, &message()).await.unwrap();
    mirror.tell(id, &message()).await.unwrap();
    mirror.tell(id - 1, &message()).await.unwrap();
    mirror.keep(number, id, Some(&snapshot(1))).await.unwrap();
    mirror.keep(number, id - 1, Some(&snapshot(0))).await.unwrap();
    let hash: HashMap<String, String> =
        cmd("HGETALL").arg(&key).query_async(&mut redis).await.unwrap();
    let entries: Vec<(String, Vec<(String, String)>)> = cmd("XRANGE")
        .arg("instance.events")
        .arg(id - 1)
        .arg("+")
        .query_async(&mut redis)
        .await
        .unwrap();
    mirror.keep(number, id + 1, None).await.unwrap();
    mirror.keep(number, id, Some(&snapshot(1))).await.unwrap();
    let gone: bool = cmd("EXISTS").arg(&key).query_async(&mut redis).await.unwrap();

    let expected = [
        ("state", "Running"),
        ("phase", "Running"),
        ("ready_replicas", "1"),
        ("total_replicas", "1"),
        ("pod_name", "web-5d-x"),
        ("message", ""),
        ("error_reason", ""),
        ("updated_at", "1739504500"),
    ];
    assert_eq!(hash, expected.map(|(field, value)| (field.to_owned(), value.to_owned())).into());
    assert_eq!(entries.len(), 1, "{entries:?}");
    let (told, fields) = &entries[0];
    assert_eq!((told, fields[0].0.as_str()), (&format!("{id}-0"), "event"));
    assert_eq!(
        serde_json::from_str::<Value>(&fields[0].1).unwrap(),
        json!({
            "event_type": "INSTANCE_CREATED",
            "instance_id": number,
            "timestamp": 1_739_525_000,
            "user_id": 88,
            "name": "my-llm-instance",
            "data": { "cpu": 2, "memory": 4096, "gpu": 0, "image": "registry.xxx/llm:v1" },
        })
    );
    assert!(!gone, "what is gone does not come back");
    assert_eq!(mirror.newest().await.unwrap(), Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_away_is_an_error_in_time() {
    // Nothing listens on the port of the discard service.
    let mirror = RedisMirror::new("redis://127.0.0.1:9/").unwrap();

    let answer = tokio::time::timeout(Duration::from_secs(10), mirror.newest()).await.unwrap();

    assert!(answer.is_err_and(|error| error.retryable()));
}
