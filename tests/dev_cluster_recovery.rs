//! What a crash, a repetition or a failure at any point leaves behind, for development clusters.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    recovery::run_twice,
    support::{Client, TestApp},
};

/// The commands on a running cluster, and where they lead.
const COMMANDS: &[(&str, &str, &[&str])] =
    &[("stopCluster", "STOPPED", &["slipway-dev"]), ("deleteCluster", "DELETED", &[])];

async fn leases(client: &Client) -> usize {
    let reply = client.send("{ portLeases { port } }", json!({})).await.ok();
    reply["portLeases"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_the_creation_of_a_development_cluster_may_run_twice() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let id = ada.dev_cluster("dev").await;

    run_twice(&app).await;

    assert_eq!(ada.cluster(&id).await["status"], "RUNNING");
    assert_eq!(leases(&ada).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_a_command_to_a_development_cluster_may_run_twice() {
    for (command, aim, standing) in COMMANDS {
        let app = TestApp::new().await;
        let ada = app.user("ada").await;
        let id = ada.dev_cluster("dev").await;
        app.run_tasks().await;
        ada.command_cluster(command, &id).await.ok();

        run_twice(&app).await;

        assert_eq!(ada.cluster(&id).await["status"], *aim, "{command}");
        assert_eq!(app.dev.standing(), *standing, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_that_undoes_a_development_cluster_may_run_twice() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let id = ada.dev_cluster("noanswer").await;

    run_twice(&app).await;

    assert_eq!(ada.cluster(&id).await["status"], "FAILED");
    assert_eq!(app.dev.standing(), Vec::<String>::new());
    assert_eq!(leases(&ada).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_creation_of_a_development_cluster_survives_a_crash_after_each_task() {
    for survived in 0..4 {
        let app = TestApp::new().await;
        let ada = app.user("ada").await;
        let id = ada.dev_cluster("dev").await;
        for _ in 0..survived {
            assert!(app.control_plane.run_next_task().await.unwrap());
        }
        // The worker dies with the next task in its hands.
        let claim = app.control_plane.claim_task().await.unwrap().unwrap();

        let app = app.restarted().await;
        app.advance(Duration::from_secs(31));
        app.run_tasks().await;

        let ada = Client::new(app.routes.clone(), ada.token.as_deref());
        let shown = ada.cluster(&id).await;
        assert_eq!(shown["status"], "RUNNING", "after {}", claim.task.name);
        assert!(shown["serverIp"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_creation_leaves_nothing_and_its_name_succeeds() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let created = ada.create_dev_cluster(json!({ "name": "dev", "provider": "K3D" })).await.ok();
    let workflow = created["createDevCluster"]["workflow"]["id"].clone();
    app.control_plane.run_next_task().await.unwrap();
    app.control_plane.run_next_task().await.unwrap();

    let cancel = "mutation($id: ID!) { cancelWorkflow(id: $id) { workflow { id } } }";
    ada.send(cancel, json!({ "id": workflow })).await.ok();
    app.run_tasks().await;

    assert_eq!(app.dev.standing(), Vec::<String>::new());
    assert_eq!(leases(&ada).await, 0);
    let quota = "{ viewer { tenants { tenant { quota { dimension used reserved } } } } }";
    let quota = ada.send(quota, json!({})).await.ok();
    let lines = quota["viewer"]["tenants"][0]["tenant"]["quota"].as_array().unwrap().clone();
    let none = |line: &Value| line["used"] == "0" && line["reserved"] == "0";
    assert!(lines.iter().all(none), "{lines:?}");
    let again = ada.dev_cluster("dev").await;
    app.run_tasks().await;
    assert_eq!(ada.cluster(&again).await["status"], "RUNNING");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_takes_long_stays_its_worker_s_as_long_as_that_lives() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let id = ada.dev_cluster("dev").await;
    let claim = app.control_plane.claim_task().await.unwrap().unwrap();

    for _ in 0..5 {
        app.advance(Duration::from_secs(20));
        assert!(app.control_plane.prolong(&claim).await.unwrap());
        assert!(app.control_plane.claim_task().await.unwrap().is_none());
    }
    app.advance(Duration::from_secs(31));
    let taken = app.control_plane.claim_task().await.unwrap().unwrap();

    assert_eq!((taken.task.id, taken.taken_over), (claim.task.id, true));
    assert!(!app.control_plane.prolong(&claim).await.unwrap());
    app.control_plane.run_claimed(taken).await.unwrap();
    app.run_tasks().await;
    assert_eq!(ada.cluster(&id).await["status"], "RUNNING");
}
