//! Trying again while others go on, and following it all.

use std::time::Duration;

use api::config::Door;
use serde_json::{Value, json};

use crate::support::{Shop, Subscription, text};

/// Runs until a task has that status.
async fn run_until(shop: &Shop, deployment: &str, task: &str, status: &str) {
    for _ in 0..2_000 {
        if shop.ada.task_of(deployment, task).await["status"] == status {
            return;
        }
        if !shop.app.control_plane.run_next_task().await.unwrap() {
            shop.app.advance(Duration::from_millis(250));
        }
    }
    panic!("{task} is never {status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_tried_again_while_another_chain_goes_on() {
    let shop = Shop::open().await;
    let config = |command: &str| json!({ "testCommand": command });
    let api = shop.ada.create_application("api", config("exit 1")).await;
    let slow = json!({ "image": "web-notready:1" });
    let web = shop.ada.create_application("web", slow).await;
    let deployment = shop.deploy(1, &[&api, &web], "ROLLING").await;
    run_until(&shop, &deployment, "test api", "FAILED").await;
    let meanwhile = shop.status(&deployment).await;
    let left = shop.ada.task_of(&deployment, "deploy api").await["status"].clone();
    shop.ada.update("Application", &api, json!({ "config": config("true") })).await.ok();

    let failed = shop.ada.task_of(&deployment, "test api").await;
    shop.ada.retry_task(&text(&failed["id"])).await.ok();
    let revived = shop.ada.task_of(&deployment, "deploy api").await["status"].clone();
    run_until(&shop, &deployment, "health_check api", "SUCCESS").await;

    assert_eq!((meanwhile.as_str(), left), ("RUNNING", json!("CANCELED")));
    assert_eq!(revived, "PENDING", "what depends on it comes back too");
    assert_eq!(shop.status(&deployment).await, "RUNNING");
    assert_eq!(shop.ada.task_of(&deployment, "deploy web").await["status"], "RUNNING");
    let task = shop.ada.task_of(&deployment, "test api").await;
    let attempts = task["attempts"].as_array().unwrap().iter();
    let told: Vec<_> = attempts.map(|attempt| text(&attempt["status"])).collect();
    assert_eq!((told[0].as_str(), told.last().unwrap().as_str()), ("FAILED", "SUCCESS"));
    shop.app.run_tasks().await;
    assert_eq!(shop.status(&deployment).await, "FAILED", "for web is never ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_failed_is_tried_again_at_once() {
    let shop = Shop::open().await;
    let config = |command: &str| json!({ "testCommand": command });
    let api = shop.ada.create_application("api", config("exit 1")).await;
    let web = shop.ada.create_application("web", config("exit 2")).await;
    let deployment = shop.deploy(1, &[&api, &web], "ROLLING").await;
    shop.app.run_tasks().await;
    for application in [&api, &web] {
        let mended = json!({ "config": config("true") });
        shop.ada.update("Application", application, mended).await.ok();
    }

    let workflow = text(&shop.ada.deployment(&deployment).await["workflow"]["id"]);
    shop.ada.retry_failed_tasks(&workflow).await.ok();
    shop.app.run_tasks().await;

    assert_eq!(shop.status(&deployment).await, "SUCCESS");
    for task in ["build api", "build web"] {
        assert_eq!(shop.ada.task_of(&deployment, task).await["attempt"], 1, "{task}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_its_tasks_and_their_logs_are_followed_and_resumed() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "testCommand": "echo tested" })).await;
    let before = shop.ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let deployment = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;
    let (address, _stop) = shop.app.served(Door::default()).await;
    let token = shop.ada.token.as_deref().unwrap();
    let follow = async |document: &str, variables: Value| {
        Subscription::start(&address, token, document, variables).await
    };

    let changes = "subscription($id: ID!, $after: Cursor) {
        deploymentChanged(id: $id, after: $after) { cursor deployment { status } } }";
    let ids = |after: &Value| json!({ "id": deployment, "after": after });
    let mut all = follow(changes, ids(&before)).await;
    let (mut told, mut cursors) = (Vec::new(), Vec::new());
    while told.last().map(String::as_str) != Some("SUCCESS") {
        let change = all.next().await["deploymentChanged"].clone();
        told.push(text(&change["deployment"]["status"]));
        cursors.push(change["cursor"].clone());
    }
    let mut resumed = follow(changes, ids(&cursors[0])).await;
    let second = resumed.next().await["deploymentChanged"].clone();
    let tasks = "subscription($id: ID!, $after: Cursor) {
        taskChanged(deploymentId: $id, after: $after) { task { name status } } }";
    let mut tasks = follow(tasks, ids(&before)).await;
    let mut done = Vec::new();
    while done.len() < 4 {
        let task = tasks.next().await["taskChanged"]["task"].clone();
        if task["status"] == "SUCCESS" {
            done.push(text(&task["name"]));
        }
    }
    let test = shop.ada.task_of(&deployment, "test api").await;
    let log = "subscription($id: ID!) { taskLog(taskId: $id) { text } }";
    let mut log = follow(log, json!({ "id": test["id"] })).await;
    let mut written = String::new();
    while !written.contains("tested\n") {
        written.push_str(&text(&log.next().await["taskLog"]["text"]));
    }

    assert_eq!((told[0].as_str(), told[1].as_str()), ("PENDING", "RUNNING"));
    assert_eq!(second["cursor"], cursors[1]);
    assert_eq!(done, ["build api", "test api", "deploy api", "health_check api"]);
}
