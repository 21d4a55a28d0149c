use serde_json::{Value, json};

use super::{Caller, at_every_commit};
use crate::support::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_deployment_survives_kill_9_at_every_commit() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        at_every_commit(move |moment| rollout(strategy, moment), &["before"]).await;
    }
}

/// Builds and rolls an application out by a process that dies at `moment`, and by its successor;
/// answers with how many commits the last process made.
async fn rollout(strategy: &str, moment: Option<String>) -> usize {
    let Shop { app, ada, versions, environment } = Shop::open().await;
    let config = json!({ "testCommand": "true", "cleanupDelaySeconds": 1 });
    let api = ada.create_application("api", config).await;
    let mut caller = Caller::new(app, ada.token.clone().unwrap(), moment.as_deref()).await;

    let deploy = "mutation($input: CreateDeploymentInput!) {
        createDeployment(input: $input, idempotencyKey: \"1\") { deployment { id } } }";
    let input = json!({
        "versionId": versions[0], "applicationIds": [api], "environmentId": environment,
        "strategy": strategy,
    });
    let made = caller.insist(deploy, &json!({ "input": input })).await;
    let deployment = json!({ "id": made["createDeployment"]["deployment"]["id"] });
    let shown = "query($id: ID!) { node(id: $id) { ... on Deployment {
        status errorMessage tasks(first: 50) { nodes { name status error waitReason } } } } }";
    caller
        .until(shown, &deployment, moment.as_deref(), |shown| {
            assert_ne!(shown["node"]["status"], "FAILED", "after {moment:?}: {shown}");
            shown["node"]["status"] == "SUCCESS"
        })
        .await;

    let slot = if strategy == "ROLLING" { "blue" } else { "green" };
    assert_eq!(caller.cluster.deployments().await, [format!("api-{slot}")], "{moment:?}");
    let jobs = caller.cluster.names("/apis/batch/v1/jobs").await;
    assert_eq!(jobs, Vec::<String>::new(), "{moment:?}");
    caller.commits()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_deployment_that_is_cancelled_survives_kill_9_at_every_commit() {
    at_every_commit(cancellation, &["before"]).await;
}

/// Rolls out what is never ready, and takes it back; answers as the other one does.
async fn cancellation(moment: Option<String>) -> usize {
    let Shop { app, ada, versions, environment } = Shop::open().await;
    let api = ada.create_application("api", json!({ "image": "api-notready:1" })).await;
    let deployment = ada.deploy(&versions[0], &[&api], &environment, "ROLLING").await;
    let mut caller = Caller::new(app, ada.token.clone().unwrap(), moment.as_deref()).await;
    let deployment = json!({ "id": deployment });

    let shown = "query($id: ID!) { node(id: $id) { ... on Deployment {
        status errorMessage tasks(first: 50) { nodes { name status error waitReason } } } } }";
    let waits = |shown: &Value| shown.to_string().contains("0 of 1 replicas ready");
    caller.until(shown, &deployment, moment.as_deref(), waits).await;
    let cancel = "mutation($id: ID!) {
        cancelDeployment(id: $id, idempotencyKey: \"1\") { deployment { id } } }";
    caller.insist(cancel, &deployment).await;
    let over = |shown: &Value| shown["node"]["status"] == "FAILED";
    caller.until(shown, &deployment, moment.as_deref(), over).await;

    let told = caller.insist(shown, &deployment).await["node"]["errorMessage"].clone();
    assert_eq!(told, "Deployment cancelled by user", "{moment:?}");
    assert_eq!(caller.cluster.deployments().await, Vec::<String>::new(), "{moment:?}");
    let mut services = caller.cluster.names("/api/v1/services").await;
    services.retain(|name| name == "api");
    assert_eq!(services, Vec::<String>::new(), "{moment:?}");
    caller.commits()
}
