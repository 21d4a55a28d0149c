use std::time::Duration;

use domain::{Settings, workflows::WorkflowCaps};
use jiff::SignedDuration;
use serde_json::{Value, json};

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
async fn a_task_that_costs_every_worker_its_life_is_given_up() {
    let app = TestApp::with(Settings {
        task_deadline: SignedDuration::from_hours(24),
        ..Settings::default()
    })
    .await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, _, workflow) = ada.buy(&product, "web").await;

    for _ in 0..20 {
        app.control_plane.claim_task().await.unwrap().unwrap();
        app.advance(Duration::from_secs(31));
    }
    app.run_tasks().await;

    let workflow = ada.workflow(&workflow).await;
    assert_eq!(workflow["tasks"][0]["error"], "given up after 20 attempts");
    assert_eq!(ada.order(&order).await["status"], "CANCELLED");
    assert_eq!(app.standing().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_workflows_run_at_once_than_the_cap_allows() {
    let app = TestApp::with(Settings {
        workflow_caps: WorkflowCaps { all: 2, tenant: 2 },
        ..Settings::default()
    })
    .await;
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
async fn a_tenant_with_many_workflows_leaves_room_for_others() {
    let app = TestApp::with(Settings {
        workflow_caps: WorkflowCaps { all: 4, tenant: 2 },
        ..Settings::default()
    })
    .await;
    let (root, ada, bob) = (app.admin().await, app.user("ada").await, app.user("bob").await);
    let product = root.create_product("web:1").await;
    for name in ["a", "b", "c", "d"] {
        ada.buy(&product, name).await;
    }
    let (_, _, late) = bob.buy(&product, "late").await;

    while app.control_plane.claim_task().await.unwrap().is_some() {}

    let running = "{ workflows(filter: { status: [RUNNING] }) { totalCount } }";
    assert_eq!(ada.send(running, json!({})).await.ok()["workflows"]["totalCount"], 2);
    assert_eq!(bob.workflow(&late).await["status"], "RUNNING");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_refuses_for_a_while_costs_attempts_and_nothing_else() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    app.cluster.faults().fail_at_rate(0.7, 7, &[simulator::Fault::LostAnswer]);
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

const CANCEL: &str = "mutation($id: ID!) {
    cancelWorkflow(id: $id, reason: \"changed my mind\") { workflow { status } } }";

#[tokio::test(flavor = "multi_thread")]
async fn cancel_workflow_waits_for_the_executor_and_removes_what_a_creation_made() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, instance, workflow) = ada.buy(&product, "web").await;
    for _ in 0..2 {
        app.control_plane.run_next_task().await.unwrap();
    }
    let at_work = app.control_plane.claim_task().await.unwrap().unwrap();

    let cancelled = ada.send(CANCEL, json!({ "id": workflow })).await.ok();
    let meanwhile = ada.workflow(&workflow).await;
    app.control_plane.run_claimed(at_work.clone()).await.unwrap();
    app.run_tasks().await;

    assert_eq!(cancelled["cancelWorkflow"]["workflow"]["status"], "RUNNING");
    let of = |workflow: &serde_json::Value, id: String| {
        let tasks = workflow["tasks"].as_array().unwrap().clone();
        tasks.into_iter().find(|task| task["id"] == id).unwrap()["status"].clone()
    };
    assert_eq!(of(&meanwhile, at_work.task.id.to_string()), "RUNNING");
    let ended = ada.workflow(&workflow).await;
    assert_eq!(of(&ended, at_work.task.id.to_string()), "CANCELED");
    assert_eq!(ended["status"], "CANCELED");
    assert_eq!(app.standing().await, Vec::<String>::new());
    assert_eq!(ada.order(&order).await["refundDue"], true);
    assert_eq!(ada.instance(&instance).await["status"], "FAILED");
    assert_eq!(ada.send(CANCEL, json!({ "id": workflow })).await.code(), "INVALID_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_workflow_does_not_stop_a_deletion() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let deletion = ada.command("deleteInstance", &instance).await.ok();

    let reply =
        ada.send(CANCEL, json!({ "id": deletion["deleteInstance"]["workflow"]["id"] })).await;
    app.run_tasks().await;

    assert_eq!(reply.code(), "CONFLICT");
    assert_eq!(ada.instance(&instance).await["status"], "DELETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_workflow_is_tried_again_with_its_attempts_kept() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let calls = simulator::Calls::to("patch", "deployments");
    app.cluster.faults().fail_matching(calls, 1, simulator::Fault::Status(422, None));
    let stop = ada.command("stopInstance", &instance).await.ok();
    let workflow = stop["stopInstance"]["workflow"]["id"].as_str().unwrap().to_owned();
    app.run_tasks().await;
    let failed = ada.workflow(&workflow).await;
    assert_eq!(
        (&failed["status"], &failed["tasks"][1]["status"]),
        (&json!("FAILED"), &json!("CANCELED"))
    );
    assert_eq!(ada.instance(&instance).await["status"], "FAILED");

    let document = "mutation($id: ID!) { retryTask(id: $id) { task { id status attempt } } }";
    let retried = ada.send(document, json!({ "id": failed["tasks"][0]["id"] })).await.ok();
    let on_its_way = ada.instance(&instance).await["status"].clone();
    app.run_tasks().await;

    assert_eq!(
        retried["retryTask"]["task"],
        json!({ "id": failed["tasks"][0]["id"], "status": "PENDING", "attempt": 1 })
    );
    assert_eq!(on_its_way, "STOPPING");
    let ended = ada.workflow(&workflow).await;
    assert_eq!(ended["status"], "SUCCESS");
    let attempts = ended["tasks"][0]["attempts"].as_array().unwrap().clone();
    let statuses: Vec<_> = attempts.iter().map(|attempt| &attempt["status"]).collect();
    assert_eq!(statuses, ["FAILED", "SUCCESS"]);
    assert_eq!(ada.instance(&instance).await["status"], "STOPPED");
    let again = "mutation($id: ID!) { retryFailedTasks(workflowId: $id) { workflow { id } } }";
    let nothing_failed = ada.send(again, json!({ "id": workflow })).await;
    assert_eq!(nothing_failed.code(), "INVALID_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_was_cleaned_up_is_not_tried_again() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("crash:1").await;
    let (_, _, workflow) = ada.buy(&product, "web").await;
    app.run_tasks().await;

    let document = "mutation($id: ID!) { retryFailedTasks(workflowId: $id) { workflow { id } } }";
    let reply = ada.send(document, json!({ "id": workflow })).await;

    assert_eq!(reply.code(), "INVALID_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workflows_of_an_instance_come_page_by_page() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    for command in ["stopInstance", "startInstance"] {
        app.run_tasks().await;
        app.advance(Duration::from_secs(1));
        ada.command(command, &instance).await.ok();
    }
    app.run_tasks().await;
    let page = async |after: &Value| {
        let document = "query($id: ID!, $after: String) { instance(id: $id) {
            workflows(first: 2, after: $after) { pageInfo { endCursor } nodes { kind } }
        } }";
        let answer = ada.send(document, json!({ "id": instance, "after": after })).await;
        answer.ok()["instance"]["workflows"].clone()
    };

    let first = page(&Value::Null).await;
    let second = page(&first["pageInfo"]["endCursor"]).await;

    let kinds = json!([{ "kind": "start_instance" }, { "kind": "stop_instance" }]);
    assert_eq!(first["nodes"], kinds);
    assert_eq!(second["nodes"], json!([{ "kind": "provision_instance" }]));
}
