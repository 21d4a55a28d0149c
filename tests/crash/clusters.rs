use serde_json::{Value, json};

use super::{Caller, at_commits, at_every_commit};
use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_search_cluster_survives_kill_9_at_every_fourth_commit() {
    at_commits(4, search, &["before"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_development_cluster_survives_kill_9_at_every_commit() {
    at_every_commit(dev, &["before"]).await;
}

/// Makes, scales and deletes a search cluster by a process that dies at `moment`, and by its
/// successor; answers with how many commits the last process made.
async fn search(moment: Option<String>) -> usize {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let tenant = ada.personal_tenant().await;
    let mut caller = Caller::new(app, ada.token.unwrap(), moment.as_deref()).await;
    let volumes = "/api/v1/persistentvolumeclaims";

    let create = "mutation($input: CreateSearchClusterInput!) {
        createSearchCluster(input: $input, idempotencyKey: \"1\") { cluster { id } } }";
    let input = json!({ "tenantId": tenant, "serviceName": "books", "replicas": 2 });
    let made = caller.insist(create, &json!({ "input": input })).await;
    let id = json!({ "id": made["createSearchCluster"]["cluster"]["id"] });
    stored(&mut caller, &id, "CREATED", moment.as_deref()).await;
    assert_eq!(caller.cluster.names(volumes).await.len(), 2, "{moment:?}");
    let scale = "mutation($id: ID!) { updateSearchCluster(
        id: $id, input: { replicas: 1 }, idempotencyKey: \"2\") { cluster { id } } }";
    caller.insist(scale, &id).await;
    stored(&mut caller, &id, "CREATED", moment.as_deref()).await;
    assert_eq!(caller.cluster.names(volumes).await.len(), 1, "{moment:?}");
    delete(&mut caller, &id).await;
    stored(&mut caller, &id, "DELETED", moment.as_deref()).await;

    for kind in ["/apis/apps/v1/statefulsets", volumes, "/api/v1/pods", "/api/v1/services"] {
        let mut left = caller.cluster.names(kind).await;
        left.retain(|name| name.starts_with("books"));
        assert_eq!(left, Vec::<String>::new(), "{kind} after {moment:?}");
    }
    holds_nothing(&mut caller, moment.as_deref()).await;
    caller.commits()
}

/// The same with a development cluster, which is stopped and started.
async fn dev(moment: Option<String>) -> usize {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let mut caller = Caller::new(app, ada.token.unwrap(), moment.as_deref()).await;

    let create = "mutation { createDevCluster(
        input: { name: \"dev\", provider: K3D }, idempotencyKey: \"1\") { cluster { id } } }";
    let made = caller.insist(create, &json!({})).await;
    let id = json!({ "id": made["createDevCluster"]["cluster"]["id"] });
    settled(&mut caller, &id, "RUNNING", moment.as_deref()).await;
    assert_eq!(caller.tools.standing(), ["k3d-slipway-dev-server-0"], "{moment:?}");
    for (command, aim) in [("stopCluster", "STOPPED"), ("startCluster", "RUNNING")] {
        let document = format!(
            "mutation($id: ID!) {{ {command}(id: $id, idempotencyKey: \"{command}\") {{
                cluster {{ id }} }} }}"
        );
        caller.insist(&document, &id).await;
        settled(&mut caller, &id, aim, moment.as_deref()).await;
    }
    delete(&mut caller, &id).await;
    settled(&mut caller, &id, "DELETED", moment.as_deref()).await;

    assert_eq!(caller.tools.standing(), Vec::<String>::new(), "{moment:?}");
    holds_nothing(&mut caller, moment.as_deref()).await;
    caller.commits()
}

async fn delete(caller: &mut Caller, id: &Value) {
    let document = "mutation($id: ID!) { deleteCluster(id: $id, idempotencyKey: \"delete\") {
        cluster { id } } }";
    caller.insist(document, id).await;
}

async fn stored(caller: &mut Caller, id: &Value, aim: &str, moment: Option<&str>) {
    let document = "query($id: ID!) { node(id: $id) { ... on SearchCluster {
        storedStatus failure workflows { nodes { tasks { name status error waitReason } } } } } }";
    caller.until(document, id, moment, |shown| reached(&shown["node"], "storedStatus", aim)).await;
}

async fn settled(caller: &mut Caller, id: &Value, aim: &str, moment: Option<&str>) {
    let document = "query($id: ID!) { node(id: $id) { ... on DevCluster {
        status failure workflows { nodes { tasks { name status error waitReason } } } } } }";
    caller.until(document, id, moment, |shown| reached(&shown["node"], "status", aim)).await;
}

fn reached(cluster: &Value, status: &str, aim: &str) -> bool {
    assert_ne!(cluster[status], "FAILED", "{cluster}");
    cluster[status] == aim
}

/// Neither quota nor ports.
async fn holds_nothing(caller: &mut Caller, moment: Option<&str>) {
    let document = "{ portLeases { port }
        viewer { tenants { tenant { quota { dimension used reserved } } } } }";
    let shown = caller.insist(document, &json!({})).await;
    assert_eq!(shown["portLeases"], json!([]), "{moment:?}");
    let lines = shown["viewer"]["tenants"][0]["tenant"]["quota"].as_array().unwrap();
    let none = |line: &Value| line["used"] == "0" && line["reserved"] == "0";
    assert!(lines.iter().all(none), "{moment:?}: {lines:?}");
}
