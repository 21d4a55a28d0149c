//! The same life of instances on whatever cluster there is: one that is simulated and served on a
//! port, and the one that `SLIPWAY_TEST_KUBECONFIG` names. Time is real here.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use api::{
    auth::Signer, config::Door, dev_clusters::SimulatedProvider, keys::TokenKey,
    passwords::Argon2Hasher, serve::Server, vault::AesVault,
};
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use domain::{
    ControlPlane, Ports, Settings, identity::Registration, ids::WorkflowId, runtime::Target,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::DeleteParams};
use kubernetes::{KubernetesRuntime, KubernetesSites, connect};
use persistence::{LocalBus, MemoryMirror, SqlStore};
use serde_json::{Value, json};
use simulator::{Clock, Cluster};
use tokio::net::TcpListener;

use crate::support::{Client, Database};

/// How long an instance may take for what it was told.
const PATIENCE: Duration = Duration::from_secs(180);

/// Images that do as they are called on a cluster.
struct Images {
    good: String,
    crashing: String,
    missing: String,
}

/// Slipway at work on a cluster.
struct Slipway {
    ada: Client,
    root: Client,
    server: Server,
    cluster: kube::Client,
    namespace: String,
    /// Holds the database.
    _database: Database,
}

impl Slipway {
    async fn on(kubeconfig: &Path) -> Self {
        let database = Database::new().await;
        let key = TokenKey::new(&"a key for tests only ".repeat(2)).unwrap();
        let cluster = connect::kubeconfig(kubeconfig).unwrap();
        let target = Target { name: "kubeconfig".to_owned(), simulated: false };
        let runtime = Arc::new(KubernetesRuntime::new(cluster.clone(), target));
        let ports = Ports {
            dev: Arc::new(SimulatedProvider::default()),
            store: Arc::new(SqlStore::open(&database.url, None).await.unwrap()),
            search: runtime.clone(),
            runtime,
            sites: Arc::new(KubernetesSites::new(cluster.clone(), crate::support::site_settings())),
            bus: Arc::new(LocalBus::new()),
            mirror: Arc::new(MemoryMirror::default()),
            passwords: Arc::new(Argon2Hasher::new().unwrap()),
            tokens: Arc::new(Signer::new(&key)),
            vault: Arc::new(AesVault::new(Some(&key)).unwrap()),
        };
        let control_plane = Arc::new(ControlPlane::new(ports, Settings::default()));
        let server =
            Server::new(&control_plane, &key.clone().into(), Door::default()).await.unwrap();
        api::work::start(&control_plane, &server.tasks, &server.stop);
        let registration = Registration {
            email: "root@example.com".to_owned(),
            password: crate::support::PASSWORD.to_owned(),
            nickname: "Root".to_owned(),
        };
        control_plane.ensure_admin(registration).await.unwrap();
        let anonymous = Client::new(server.router.clone(), None);
        let ada = anonymous.register("ada").await.ok()["register"]["accessToken"].clone();
        let ada = Client::new(server.router.clone(), ada.as_str());
        let root = anonymous.login("root").await;
        let namespace = own_namespace(&database).await;
        Self { ada, root, server, cluster, namespace, _database: database }
    }

    async fn buy(&self, image: &str, name: &str) -> String {
        let product = self.root.create_product(image).await;
        self.ada.buy(&product, name).await.1
    }

    /// The instance once it is as it should be.
    async fn until(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.ada.instance(id).await;
            if is_so(&shown) {
                return shown;
            }
            assert!(Instant::now() < end, "it is not {what}: {shown}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn command(&self, command: &str, id: &str, status: &str, pods: usize) -> Value {
        self.ada.command(command, id).await.ok();
        let is_so = |shown: &Value| {
            shown["status"] == status && shown["pods"].as_array().unwrap().len() == pods
        };
        self.until(id, status, is_so).await
    }

    async fn end(self) {
        self.server.stop.cancel();
        self.server.tasks.close();
        self.server.tasks.wait().await;
        let namespaces = Api::<Namespace>::all(self.cluster.clone());
        if let Err(refused) = namespaces.delete(&self.namespace, &DeleteParams::default()).await {
            eprintln!("the namespace {} stays: {refused}", self.namespace);
        }
    }
}

/// Gives the tenants names that no other run has, which their namespaces are called after.
async fn own_namespace(database: &Database) -> String {
    let run = WorkflowId::fresh().to_string();
    let run = &run[run.len() - 12..];
    let rename = format!("UPDATE tenants SET org_id = 'test-{run}-' || org_id");
    if let Some(path) = database.url.strip_prefix("sqlite://") {
        type Sqlite = diesel_async::sync_connection_wrapper::SyncConnectionWrapper<
            diesel::sqlite::SqliteConnection,
        >;
        Sqlite::establish(path).await.unwrap().batch_execute(&rename).await.unwrap();
    } else {
        let mut postgres = diesel_async::AsyncPgConnection::establish(&database.url).await.unwrap();
        postgres.batch_execute(&rename).await.unwrap();
    }
    format!("slipway-test-{run}-personal-2-instances")
}

fn pod(shown: &Value) -> String {
    shown["pods"][0]["name"].as_str().unwrap().to_owned()
}

async fn a_life(kubeconfig: &Path, images: Images) {
    let slipway = Slipway::on(kubeconfig).await;
    let id = slipway.buy(&images.good, "web").await;
    let is_ready =
        |shown: &Value| shown["status"] == "RUNNING" && shown["pods"][0]["ready"] == true;

    let running = slipway.until(&id, "running", is_ready).await;
    let logs = slipway.ada.send("{ instances { nodes { pods { log(tail: 10) } } } }", json!({}));
    let log = logs.await.ok()["instances"]["nodes"][0]["pods"][0]["log"].clone();
    slipway.command("stopInstance", &id, "STOPPED", 0).await;
    let started = slipway.command("startInstance", &id, "RUNNING", 1).await;
    let restarted = slipway.command("restartInstance", &id, "RUNNING", 1).await;
    slipway.ada.update_instance(&id, json!({ "memoryMib": 160 })).await.ok();
    let is_new = |shown: &Value| is_ready(shown) && pod(shown) != pod(&restarted);
    slipway.until(&id, "updated", is_new).await;

    assert!(running["whyNotRunning"].is_null(), "{running}");
    assert!(log.is_string(), "{log}");
    assert_ne!(pod(&running), pod(&started));
    assert_ne!(pod(&started), pod(&restarted));
    for (image, code) in [(&images.crashing, "CRASH_LOOP"), (&images.missing, "IMAGE_PULL")] {
        let id = slipway.buy(image, "broken").await;
        let says = |shown: &Value| shown["whyNotRunning"]["code"] == code;
        slipway.until(&id, code, says).await;
        slipway.command("deleteInstance", &id, "DELETED", 0).await;
    }
    slipway.command("deleteInstance", &id, "DELETED", 0).await;
    slipway.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_live_on_a_simulated_cluster_on_a_port() {
    let cluster = Cluster::new(Clock::system());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = simulator::kubeconfig(listener.local_addr().unwrap());
    tokio::spawn(async move { cluster.serve(listener).await });
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, text).unwrap();
    let image = str::to_owned;

    let images =
        Images { good: image("web:1"), crashing: image("crash:1"), missing: image("nopull:1") };
    a_life(&kubeconfig, images).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_live_on_the_cluster_that_is_named() {
    let Some(kubeconfig) = env::var_os("SLIPWAY_TEST_KUBECONFIG").map(PathBuf::from) else {
        eprintln!("skipped: SLIPWAY_TEST_KUBECONFIG names no cluster");
        return;
    };
    let default = "nginx:stable,busybox:stable,slipway.invalid/missing:1".to_owned();
    let given = env::var("SLIPWAY_TEST_IMAGES").unwrap_or(default);
    let mut images = given.split(',').map(str::to_owned);
    let mut next = || images.next().unwrap();

    let images = Images { good: next(), crashing: next(), missing: next() };
    a_life(&kubeconfig, images).await;
}
