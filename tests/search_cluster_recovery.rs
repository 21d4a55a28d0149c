//! What a crash, a repetition or a failure at any point leaves behind, for search clusters.

use std::time::Duration;

use serde_json::json;

use crate::{
    recovery::{failed_tasks, run_twice},
    support::{Client, TestApp},
};

async fn running(app: &TestApp) -> (Client, String) {
    let ada = app.user("ada").await;
    let (id, _) = ada.search_cluster("books").await;
    app.run_tasks().await;
    (ada, id)
}

async fn count(app: &TestApp, kind: &str) -> usize {
    app.standing().await.iter().filter(|name| name.starts_with(&format!("{kind} "))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_the_creation_of_a_search_cluster_may_run_twice() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let (id, _) = ada.search_cluster("books").await;

    run_twice(&app).await;

    assert_eq!(ada.cluster(&id).await["storedStatus"], "CREATED");
    assert_eq!(count(&app, "StatefulSet").await, 1);
    assert_eq!(count(&app, "PersistentVolumeClaim").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_an_update_and_of_a_deletion_of_a_search_cluster_may_run_twice() {
    let app = TestApp::new().await;
    let (ada, id) = running(&app).await;

    ada.update_search_cluster(&id, json!({ "replicas": 4, "diskSize": "11Gi" })).await.ok();
    run_twice(&app).await;
    assert_eq!(ada.cluster(&id).await["storedStatus"], "CREATED");
    assert_eq!(count(&app, "PersistentVolumeClaim").await, 4);
    ada.command_cluster("deleteCluster", &id).await.ok();
    run_twice(&app).await;

    assert_eq!(ada.cluster(&id).await["status"], "DELETED");
    assert_eq!(app.standing().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_creation_of_a_search_cluster_survives_a_crash_after_each_task() {
    for survived in 0..6 {
        let app = TestApp::new().await;
        let ada = app.user("ada").await;
        let (id, _) = ada.search_cluster("books").await;
        for _ in 0..survived {
            assert!(app.control_plane.run_next_task().await.unwrap());
        }
        // The worker dies with the next task in its hands.
        let claim = app.control_plane.claim_task().await.unwrap().unwrap();

        let app = app.restarted().await;
        app.advance(Duration::from_secs(31));
        app.run_tasks().await;

        let ada = Client::new(app.routes.clone(), ada.token.as_deref());
        assert_eq!(ada.cluster(&id).await["storedStatus"], "CREATED", "after {}", claim.task.name);
        assert_eq!(count(&app, "StatefulSet").await, 1, "after {}", claim.task.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_creation_of_a_search_cluster_that_fails_at_any_task_leaves_a_clean_slate() {
    let parts = [
        ("apply_namespace", "patch", "namespaces"),
        ("apply_headless_service", "patch", "services"),
        ("apply_disruption_budget", "patch", "poddisruptionbudgets"),
        ("apply_stateful_set", "patch", "statefulsets"),
        ("await_rollout", "get", "statefulsets"),
    ];
    for (task, verb, resource) in parts {
        let app = TestApp::new().await;
        let ada = app.user("ada").await;
        let calls = simulator::Calls::to(verb, resource);
        app.cluster.faults().fail_matching(calls, 40, simulator::Fault::Status(422, None));
        let (id, workflow) = ada.search_cluster("books").await;

        app.run_tasks().await;

        app.cluster.faults().clear();
        let failed = failed_tasks(&ada, &workflow).await;
        assert!(failed.iter().any(|failed| failed == task), "{task}: {failed:?}");
        assert_eq!(app.standing().await, Vec::<String>::new(), "{task}");
        assert_eq!(ada.cluster(&id).await["status"], "FAILED", "{task}");
        let (again, _) = ada.search_cluster("books").await;
        app.run_tasks().await;
        assert_eq!(ada.cluster(&again).await["storedStatus"], "CREATED", "after {task}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_fails_is_carried_out_when_it_is_tried_again() {
    let app = TestApp::new().await;
    let (ada, id) = running(&app).await;
    let calls = simulator::Calls::to("patch", "statefulsets");
    app.cluster.faults().fail_matching(calls, 10_000, simulator::Fault::Status(422, None));
    let updated = ada.update_search_cluster(&id, json!({ "replicas": 4 })).await.ok();
    let workflow = updated["updateSearchCluster"]["workflow"]["id"].as_str().unwrap();
    app.run_tasks().await;
    assert_eq!(ada.cluster(&id).await["status"], "FAILED");
    assert_eq!(failed_tasks(&ada, workflow).await, ["apply_stateful_set"]);

    app.cluster.faults().clear();
    ada.retry_failed_tasks(workflow).await.ok();
    assert_eq!(ada.cluster(&id).await["status"], "SCALING");
    app.run_tasks().await;

    assert_eq!(ada.cluster(&id).await["storedStatus"], "CREATED");
    assert_eq!(count(&app, "PersistentVolumeClaim").await, 4);
}
