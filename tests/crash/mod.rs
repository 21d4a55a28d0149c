//! The main jobs under `kill -9` at every commit. The process that dies is this test program,
//! started again as a server whose store kills it at a chosen commit.

use std::{
    env,
    fs::File,
    io::Write,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use api::{
    auth::Signer, config::Door, dev_clusters::SimulatedProvider, keys::TokenKey,
    passwords::Argon2Hasher, serve::Server, vault::AesVault,
};
use domain::{ControlPlane, Ports, Settings, runtime::Target};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use kubernetes::{KubernetesRuntime, KubernetesSites};
use persistence::{CommitMoment, LocalBus, MemoryMirror, SqlStore};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep};

use crate::support::{Database, KEY, Process, ServedCluster, Shop, TestApp, site_settings};

const CRASH_AT: &str = "SLIPWAY_TEST_CRASH_AT";
const DATABASE: &str = "SLIPWAY_TEST_CRASH_DATABASE";
const KUBECONFIG: &str = "SLIPWAY_TEST_CRASH_KUBECONFIG";
/// Where a server notes each commit, beside its database.
const COMMITS: &str = "commits";
/// How many purchases go on side by side, each in a task that waits for a process.
const AT_ONCE: usize = 6;
/// A purchase with its claims, records and observations has at least so many commits.
const FEWEST: usize = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_purchase_survives_kill_9_at_every_commit() {
    let commits = purchase(None).await;
    assert!(commits >= FEWEST, "{commits} commits");
    let moments = (1..=commits).flat_map(|n| [format!("{n} before"), format!("{n} after")]);

    let survived: Vec<usize> = stream::iter(moments)
        .map(|moment| tokio::spawn(purchase(Some(moment))))
        .buffer_unordered(AT_ONCE)
        .map(Result::unwrap)
        .collect()
        .await;

    assert_eq!(survived.len(), 2 * commits);
}

/// Buys an instance from a process that dies at `moment`, and from its successor; answers with how
/// many commits the last process made.
async fn purchase(moment: Option<String>) -> usize {
    let app = TestApp::new().await;
    let product = app.admin().await.create_product("web:1").await;
    let token = app.user("ada").await.token.unwrap();
    let TestApp { database, .. } = app;
    let cluster = ServedCluster::new().await;
    let process = start(&database, &cluster, moment.as_deref());
    let mut buyer = Buyer { token, process, database, cluster };

    let place = "mutation($product: ID!) {
        placeOrder(input: { productId: $product, instanceName: \"web\" }, idempotencyKey: \"1\") {
            order { id }
        }
    }";
    let placed = buyer.insist(place, &json!({ "product": product })).await;
    let order = json!({ "id": placed["placeOrder"]["order"]["id"] });
    let pay = "mutation($id: ID!) { payOrder(id: $id, idempotencyKey: \"2\") { order { id } } }";
    buyer.insist(pay, &order).await;
    buyer.wait_until_it_runs(&order, moment.as_deref()).await;

    assert_eq!(buyer.cluster.deployments().await, ["web"], "{moment:?}");
    let count = "{ orders { totalCount } instances { totalCount } }";
    let counted = buyer.insist(count, &json!({})).await;
    let one = json!({ "totalCount": 1 });
    assert_eq!(counted, json!({ "orders": one, "instances": one }), "{moment:?}");
    buyer.commits()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 12)]
async fn a_deployment_survives_kill_9_at_every_commit() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        let commits = rollout(strategy, None).await;
        assert!(commits >= FEWEST, "{commits} commits");
        let moments: Vec<String> = (1..=commits).map(|n| format!("{n} before")).collect();

        let survived: Vec<usize> = stream::iter(moments)
            .map(|moment| tokio::spawn(rollout(strategy, Some(moment))))
            .buffer_unordered(AT_ONCE)
            .map(Result::unwrap)
            .collect()
            .await;

        assert_eq!(survived.len(), commits);
    }
}

/// Builds and rolls an application out by a process that dies at `moment`, and by its successor;
/// answers with how many commits the last process made.
async fn rollout(strategy: &str, moment: Option<String>) -> usize {
    let Shop { app, ada, versions, environment } = Shop::open().await;
    let config = json!({ "testCommand": "true", "cleanupDelaySeconds": 1 });
    let api = ada.create_application("api", config).await;
    let token = ada.token.clone().unwrap();
    let TestApp { database, .. } = app;
    let cluster = ServedCluster::new().await;
    let process = start(&database, &cluster, moment.as_deref());
    let mut buyer = Buyer { token, process, database, cluster };

    let deploy = "mutation($input: CreateDeploymentInput!) {
        createDeployment(input: $input, idempotencyKey: \"1\") { deployment { id } } }";
    let input = json!({
        "versionId": versions[0], "applicationIds": [api], "environmentId": environment,
        "strategy": strategy,
    });
    let made = buyer.insist(deploy, &json!({ "input": input })).await;
    let deployment = json!({ "id": made["createDeployment"]["deployment"]["id"] });
    buyer.wait_until_it_is_out(&deployment, moment.as_deref()).await;

    let slot = if strategy == "ROLLING" { "blue" } else { "green" };
    assert_eq!(buyer.cluster.deployments().await, [format!("api-{slot}")], "{moment:?}");
    buyer.commits()
}

struct Buyer {
    token: String,
    process: Process,
    database: Database,
    cluster: ServedCluster,
}

impl Buyer {
    /// Sends until it is answered; where the process has died, to its successor.
    async fn insist(&mut self, document: &str, variables: &Value) -> Value {
        loop {
            match self.process.try_send(Some(&self.token), document, variables) {
                Ok(answer) if answer["errors"].is_null() => return answer["data"].clone(),
                Ok(answer) => panic!("{answer}"),
                Err(_) => self.revive().await,
            }
        }
    }

    async fn revive(&mut self) {
        while !self.process.has_ended() {
            sleep(Duration::from_millis(5)).await;
        }
        self.process = start(&self.database, &self.cluster, None);
    }

    async fn wait_until_it_runs(&mut self, order: &Value, moment: Option<&str>) {
        let patience = Instant::now() + Duration::from_secs(120);
        let document = "query($id: ID!) { order(id: $id) { status instance {
            status pods { ready } workflows { nodes { tasks { name status error waitReason } } }
        } } }";
        loop {
            let shown = self.insist(document, order).await["order"].clone();
            let instance = &shown["instance"];
            if shown["status"] == "COMPLETED" && instance["pods"] == json!([{ "ready": true }]) {
                assert_eq!(instance["status"], "RUNNING", "{moment:?}");
                return;
            }
            assert!(Instant::now() < patience, "stuck after {moment:?}: {shown}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_until_it_is_out(&mut self, deployment: &Value, moment: Option<&str>) {
        let patience = Instant::now() + Duration::from_secs(120);
        let document = "query($id: ID!) { node(id: $id) { ... on Deployment {
            status errorMessage tasks(first: 50) { nodes { name status error waitReason } } } } }";
        loop {
            let shown = self.insist(document, deployment).await["node"].clone();
            if shown["status"] == "SUCCESS" {
                return;
            }
            assert_ne!(shown["status"], "FAILED", "after {moment:?}: {shown}");
            assert!(Instant::now() < patience, "stuck after {moment:?}: {shown}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn commits(&self) -> usize {
        let noted = std::fs::read_to_string(self.database.folder.path().join(COMMITS));
        noted.unwrap().lines().count()
    }
}

fn start(database: &Database, cluster: &ServedCluster, moment: Option<&str>) -> Process {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["crash::server", "--exact", "--ignored", "--nocapture"])
        .env(DATABASE, &database.url)
        .env(KUBECONFIG, &cluster.kubeconfig);
    if let Some(moment) = moment {
        command.env(CRASH_AT, moment);
    }
    Process::run(command, database)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is the process that the test above starts and kills"]
async fn server() {
    let key = TokenKey::new(KEY).unwrap();
    let store = SqlStore::open(&env::var(DATABASE).unwrap(), None).await.unwrap();
    let store = store.with_commit_hook(Arc::new(killer(env::var(CRASH_AT).ok())));
    let kubeconfig = env::var_os(KUBECONFIG).unwrap();
    let client = kubernetes::connect::kubeconfig(kubeconfig.as_ref()).unwrap();
    let target = Target { name: "kubeconfig".to_owned(), simulated: false };
    let runtime = Arc::new(KubernetesRuntime::new(client.clone(), target));
    let ports = Ports {
        store: Arc::new(store),
        search: runtime.clone(),
        runtime,
        dev: Arc::new(SimulatedProvider::default()),
        sites: Arc::new(KubernetesSites::new(client, site_settings())),
        bus: Arc::new(LocalBus::new()),
        mirror: Arc::new(MemoryMirror::default()),
        passwords: Arc::new(Argon2Hasher::new().unwrap()),
        tokens: Arc::new(Signer::new(&key)),
        vault: Arc::new(AesVault::new(Some(&key)).unwrap()),
    };
    let settings = Settings { task_lease: SignedDuration::from_secs(2), ..Settings::default() };
    let control_plane = Arc::new(ControlPlane::new(ports, settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(&control_plane, &key.into(), Door::default()).await.unwrap();
    // Said first, for the work may bring the commit that it dies of.
    println!("Slipway listens on http://{address}/");
    api::work::start(&control_plane, &server.tasks, &server.stop);
    server.listen(listener).await;
}

/// Notes each commit, and kills the process at the chosen moment, such as `7 before`.
fn killer(crash_at: Option<String>) -> impl Fn(CommitMoment) + Send + Sync {
    let (begun, noted) = (AtomicUsize::new(0), File::create(COMMITS).unwrap());
    move |moment| {
        let number = match moment {
            CommitMoment::Before => begun.fetch_add(1, Ordering::SeqCst) + 1,
            CommitMoment::After => begun.load(Ordering::SeqCst),
        };
        let name = if moment == CommitMoment::Before { "before" } else { "after" };
        if moment == CommitMoment::After {
            (&noted).write_all(b"commit\n").unwrap();
        }
        if crash_at.as_deref() == Some(&format!("{number} {name}")) {
            signal_hook::low_level::raise(signal_hook::consts::SIGKILL).unwrap();
        }
    }
}
