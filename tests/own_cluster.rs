//! Deployments to a cluster that a kubeconfig names.

use std::{net::SocketAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use simulator::{Account, Clock, Cluster, Rule};
use tokio::net::TcpListener;

use crate::support::{Shop, text};

const TOKEN: &str = "kubeconfig-token-0815";
const SECRET: &str = "application-secret-4711";

/// A cluster on a port, which knows one token.
struct OwnCluster {
    cluster: Cluster,
    address: SocketAddr,
}

impl OwnCluster {
    async fn new() -> Self {
        let cluster = Cluster::new(Clock::manual("2026-01-01T00:00:00Z".parse().unwrap()));
        let all = || vec!["*".to_owned()];
        let rule = Rule { namespace: None, groups: all(), resources: all(), verbs: all() };
        let name = "deployer".to_owned();
        let account = Account { token: TOKEN.to_owned(), name, rules: vec![rule] };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = cluster.guarded_router(vec![account]);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { cluster, address }
    }

    fn kubeconfig(&self, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{ name: k, cluster: {{ server: \"http://{}\" }} }}]\n\
             contexts: [{{ name: c, context: {{ cluster: k, user: u }} }}]\n\
             users: [{{ name: u, user: {{ {user} }} }}]\n",
            self.address
        )
    }

    async fn names(&self, path: &str) -> Vec<String> {
        let client = kube::Client::new(self.cluster.router(), "default");
        let request = axum::http::Request::get(path).body(Vec::new()).unwrap();
        let list: Value = client.request(request).await.unwrap();
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| text(&item["metadata"]["name"])).collect()
    }

    /// Runs tasks, while the time of both clusters goes on, until it is as it should be.
    async fn run_until(&self, shop: &Shop, deployment: &str, done: impl Fn(&Value) -> bool) {
        for _ in 0..2_000 {
            while shop.app.control_plane.run_next_task().await.unwrap() {}
            if done(&shop.ada.deployment(deployment).await) {
                return;
            }
            shop.app.advance(Duration::from_millis(500));
            self.cluster.advance(Duration::from_millis(500));
        }
        panic!("{:#}", shop.ada.deployment(deployment).await);
    }
}

async fn environment(shop: &Shop, kubeconfig: &str) -> String {
    let input = json!({ "name": "own", "type": "KUBERNETES", "kubeconfig": kubeconfig });
    let made = shop.ada.try_create("Environment", input).await.ok();
    text(&made["createEnvironment"]["environment"]["id"])
}

fn succeeded(shown: &Value) -> bool {
    shown["status"] == "SUCCESS"
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_built_tested_and_run_there_and_no_secret_stays_here() {
    let (shop, own) = (Shop::open().await, OwnCluster::new().await);
    let packed = BASE64_STANDARD.encode(own.kubeconfig(&format!("token: {TOKEN}")));
    let environment = environment(&shop, &packed).await;
    let api = shop.ada.create_application("api", json!({ "testCommand": "echo tested" })).await;
    let secrets = json!({ "GIT_TOKEN": SECRET, "REGISTRY_PASSWORD": SECRET, "API_KEY": SECRET });
    shop.ada.update("Application", &api, json!({ "secrets": secrets })).await.ok();

    let deployment = shop.ada.deploy(&shop.versions[0], &[&api], &environment, "BLUE_GREEN").await;
    own.run_until(&shop, &deployment, succeeded).await;

    assert_eq!(own.names("/apis/apps/v1/deployments").await, ["api-green"]);
    assert_eq!(own.names("/apis/batch/v1/jobs").await, Vec::<String>::new());
    assert_eq!(shop.standing().await, Vec::<String>::new(), "on the platform's cluster");
    let events = "{ events(first: 100) { nodes { data } } }";
    let shown = shop.ada.deployment(&deployment).await.to_string()
        + &shop.ada.send(events, json!({})).await.ok().to_string();
    let stored = shop.app.database.content().await;
    for secret in [TOKEN, SECRET] {
        let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        for form in [secret.to_owned(), BASE64_STANDARD.encode(secret), hex] {
            assert!(!shown.contains(&form), "{form} is in an answer");
            let found = stored.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "{form} is in the database");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kubeconfig_for_it_holds_at_once_and_another_cluster_has_to_wait() {
    let (shop, own) = (Shop::open().await, OwnCluster::new().await);
    let environment = environment(&shop, &own.kubeconfig("token: of-yesterday")).await;
    let api = shop.ada.create_application("api", json!({ "image": "api:1" })).await;
    let deployment = shop.ada.deploy(&shop.versions[0], &[&api], &environment, "ROLLING").await;
    let refused = |shown: &Value| shown.to_string().contains("trying again");
    own.run_until(&shop, &deployment, refused).await;

    let elsewhere = own.kubeconfig("token: t").replace("http:", "https:");
    for moved in [json!({ "kubeconfig": elsewhere }), json!({ "namespace": "other" })] {
        let moved = shop.ada.update("Environment", &environment, moved).await;
        assert_eq!(moved.code(), "CONFLICT");
    }
    let mended = own.kubeconfig(&format!("token: {TOKEN}"));
    shop.ada.update("Environment", &environment, json!({ "kubeconfig": mended })).await.ok();
    own.run_until(&shop, &deployment, succeeded).await;

    assert_eq!(own.names("/apis/apps/v1/deployments").await, ["api-blue"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_that_could_run_a_program_is_refused_in_base64_too() {
    let (shop, own) = (Shop::open().await, OwnCluster::new().await);
    let packed = BASE64_STANDARD.encode(own.kubeconfig("exec: { command: id }"));

    let input = json!({ "name": "own", "type": "KUBERNETES", "kubeconfig": packed });
    let refused = shop.ada.try_create("Environment", input).await;

    assert_eq!(
        (refused.code(), refused.extension("field")),
        ("INVALID", &json!("input.kubeconfig"))
    );
}
