use std::time::Duration;

use domain::Settings;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_thought_dead_records_nothing() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, _, workflow) = ada.buy(&product, "web").await;
    let stale = app.control_plane.claim_task().await.unwrap().unwrap();
    assert!(app.control_plane.claim_task().await.unwrap().is_none(), "it is leased");
    app.advance(Duration::from_secs(31));

    let takeover = app.control_plane.claim_task().await.unwrap().unwrap();
    app.control_plane.run_claimed(stale.clone()).await.unwrap();
    let before = ada.workflow(&workflow).await;
    app.control_plane.run_claimed(takeover.clone()).await.unwrap();
    app.run_tasks().await;

    assert_eq!(takeover.task.id, stale.task.id);
    assert_eq!(before["tasks"][0]["status"], "RUNNING");
    let first = ada.workflow(&workflow).await["tasks"][0].clone();
    assert_eq!(
        first["attempts"],
        json!([
            { "number": 1, "status": "FAILED", "error": "its worker was lost" },
            { "number": 2, "status": "SUCCESS", "error": null },
        ])
    );
    assert_eq!(ada.order(&order).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_workflows_run_at_once_than_the_cap_allows() {
    let app = TestApp::with(Settings { workflow_cap: 2, ..Settings::default() }).await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    for name in ["a", "b", "c", "d"] {
        ada.buy(&product, name).await;
    }
    let running = "{ workflows(filter: { status: [RUNNING] }) { totalCount } }";

    let mut most = 0;
    while app.control_plane.next_task_due().await.unwrap().is_some() {
        while app.control_plane.run_next_task().await.unwrap() {
            let reply = ada.send(running, json!({})).await.ok();
            most = most.max(reply["workflows"]["totalCount"].as_i64().unwrap());
        }
        app.advance(Duration::from_millis(500));
    }

    assert_eq!(most, 2);
    let done = "{ workflows(filter: { status: [SUCCESS] }) { totalCount } }";
    assert_eq!(ada.send(done, json!({})).await.ok()["workflows"]["totalCount"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_refuses_for_a_while_costs_attempts_and_nothing_else() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    app.cluster.faults().fail_at_rate(0.3, 7, simulator::Fault::LostAnswer);
    let (order, _, workflow) = ada.buy(&product, "web").await;

    app.run_tasks().await;

    app.cluster.faults().clear();
    let tasks = ada.workflow(&workflow).await["tasks"].clone();
    let attempts: usize = tasks
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["attempts"].as_array().unwrap().len())
        .sum();
    assert!(attempts > 5, "some attempt met a fault: {tasks}");
    assert_eq!(ada.order(&order).await["status"], "COMPLETED");
    let deployments =
        app.standing().await.into_iter().filter(|name| name.starts_with("Deployment"));
    assert_eq!(deployments.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_an_unknown_kind_waits() {
    use diesel_async::{AsyncConnection, RunQueryDsl};

    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, _, workflow) = ada.buy(&product, "web").await;
    let newer = "UPDATE tasks SET kind = 'of_a_newer_release' WHERE name = 'apply_namespace'";
    if app.database.is_postgres() {
        let conn = diesel_async::AsyncPgConnection::establish(&app.database.url).await;
        diesel::sql_query(newer).execute(&mut conn.unwrap()).await.unwrap();
    } else {
        use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
        type Sqlite = SyncConnectionWrapper<diesel::SqliteConnection>;
        let conn = Sqlite::establish(app.database.url.strip_prefix("sqlite://").unwrap()).await;
        diesel::sql_query(newer).execute(&mut conn.unwrap()).await.unwrap();
    }

    assert!(!app.control_plane.run_next_task().await.unwrap());

    let shown = ada.workflow(&workflow).await;
    assert_eq!(
        (&shown["status"], &shown["tasks"][0]["status"]),
        (&json!("PENDING"), &json!("PENDING"))
    );
}
