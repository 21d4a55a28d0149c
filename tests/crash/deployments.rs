use serde_json::{Value, json};

use super::{Caller, at_commits};
use crate::support::{Shop, text};

/// Every third commit; all of them where it is asked for.
const STEP: usize = 3;
const SHOWN: &str = "query($id: ID!) { node(id: $id) { ... on Deployment {
    status errorMessage tasks(first: 50) { nodes { name status error waitReason } } } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_deployment_survives_kill_9_at_every_third_commit() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        at_commits(STEP, move |moment| rollout(strategy, moment), &["before"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_deployment_that_is_cancelled_survives_kill_9_at_every_third_commit() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        at_commits(STEP, move |moment| cancellation(strategy, moment), &["before"]).await;
    }
}

/// An application of which v1 stands, and a process that is to die while v2 is rolled out.
struct Rollout {
    caller: Caller,
    strategy: &'static str,
    moment: Option<String>,
    environment: String,
    application: String,
    version: String,
    /// The image of v1.
    old: String,
}

impl Rollout {
    async fn new(strategy: &'static str, moment: Option<String>) -> Self {
        let Shop { app, ada, versions: [first, version], environment } = Shop::open().await;
        let api = ada.create_application("api", json!({ "image": "api:1" })).await;
        let caller = Caller::new(app, ada.token.clone().unwrap(), None).await;
        let old = "api:1".to_owned();
        let mut rollout =
            Self { caller, strategy, moment: None, environment, application: api, version, old };
        let before = rollout.deploy(&first).await;
        rollout.until(&before, |shown| shown["node"]["status"] == "SUCCESS").await;
        rollout.caller.dies_at(moment.as_deref()).await;
        Self { moment, ..rollout }
    }

    async fn change(&mut self, config: Value) {
        let update = "mutation($id: ID!, $input: UpdateApplicationInput!) {
            updateApplication(id: $id, input: $input) { application { id } } }";
        let variables = json!({ "id": self.application, "input": { "config": config } });
        self.caller.insist(update, &variables).await;
    }

    async fn deploy(&mut self, version: &str) -> Value {
        let deploy = "mutation($input: CreateDeploymentInput!, $key: String!) {
            createDeployment(input: $input, idempotencyKey: $key) { deployment { id } } }";
        let input = json!({
            "versionId": version, "applicationIds": [self.application],
            "environmentId": self.environment, "strategy": self.strategy,
        });
        let made = self.caller.insist(deploy, &json!({ "input": input, "key": version })).await;
        json!({ "id": made["createDeployment"]["deployment"]["id"] })
    }

    async fn until(&mut self, deployment: &Value, done: impl Fn(&Value) -> bool) {
        self.caller.until(SHOWN, deployment, self.moment.as_deref(), done).await;
    }

    /// Nothing is left but one release, which has the traffic; answers with its image.
    async fn what_is_left(&self) -> String {
        let Self { caller: Caller { cluster, .. }, strategy, moment, .. } = self;
        let services = cluster.items("/api/v1/services").await;
        let service = services.iter().find(|it| it["metadata"]["name"] == "api").unwrap();
        let slot = text(&service["spec"]["selector"]["slipway.io/slot"]);
        let of = format!("{strategy} at {moment:?}");
        assert_eq!(cluster.deployments().await, [format!("api-{slot}")], "{of}");
        assert_eq!(cluster.names("/apis/batch/v1/jobs").await, Vec::<String>::new(), "{of}");
        let deployments = cluster.items("/apis/apps/v1/deployments").await;
        text(&deployments[0]["spec"]["template"]["spec"]["containers"][0]["image"])
    }
}

/// Builds and rolls v2 out by a process that dies at `moment`, and by its successor; answers with
/// how many commits the last process made.
async fn rollout(strategy: &'static str, moment: Option<String>) -> usize {
    let mut rollout = Rollout::new(strategy, moment).await;
    rollout.change(json!({ "testCommand": "true", "cleanupDelaySeconds": 1 })).await;
    let version = rollout.version.clone();

    let deployment = rollout.deploy(&version).await;
    rollout
        .until(&deployment, |shown| {
            assert_ne!(shown["node"]["status"], "FAILED", "{shown}");
            shown["node"]["status"] == "SUCCESS"
        })
        .await;

    assert!(rollout.what_is_left().await.contains("/api@sha256:"));
    rollout.caller.commits()
}

/// Takes v2 back when it is never ready, or has the traffic already and blue still runs; answers
/// as the other one does.
async fn cancellation(strategy: &'static str, moment: Option<String>) -> usize {
    let mut rollout = Rollout::new(strategy, moment).await;
    let (config, waits) = match strategy {
        "ROLLING" => (json!({ "image": "api-notready:2" }), "replicas ready"),
        _ => (json!({ "image": "api:2", "cleanupDelaySeconds": 3600 }), "blue is removed at"),
    };
    rollout.change(config).await;
    let version = rollout.version.clone();
    let deployment = rollout.deploy(&version).await;
    rollout.until(&deployment, |shown| shown.to_string().contains(waits)).await;

    let cancel = "mutation($id: ID!) {
        cancelDeployment(id: $id, idempotencyKey: \"1\") { deployment { id } } }";
    rollout.caller.insist(cancel, &deployment).await;
    rollout.until(&deployment, |shown| shown["node"]["status"] == "FAILED").await;

    let told = rollout.caller.insist(SHOWN, &deployment).await["node"]["errorMessage"].clone();
    assert_eq!(told, "Deployment cancelled by user", "{strategy}");
    assert_eq!(rollout.what_is_left().await, rollout.old, "{strategy}");
    rollout.caller.commits()
}
