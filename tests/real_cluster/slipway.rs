use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use api::{
    auth::Signer, config::Door, dev_clusters::SimulatedProvider, keys::TokenKey,
    passwords::Argon2Hasher, serve::Server, vault::AesVault,
};
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use domain::{
    ControlPlane, Ports, Settings, delivery::Site, identity::Registration, ids::WorkflowId,
    runtime::Target,
};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::DeleteParams};
use kubernetes::{KubernetesRuntime, KubernetesSites, connect};
use persistence::{LocalBus, MemoryMirror, SqlStore};
use serde_json::Value;

use crate::support::{Client, Database, PASSWORD, site_settings};

/// How long something may take to come about.
const PATIENCE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(200);

/// Slipway at work on a cluster.
pub struct Slipway {
    pub ada: Client,
    pub root: Client,
    /// By Slipway's own account.
    pub cluster: kube::Client,
    /// Where applications go.
    pub site: Arc<dyn Site>,
    /// No other run has it in its names.
    run: String,
    server: Server,
    /// Holds the database.
    _database: Database,
}

impl Slipway {
    pub async fn on(kubeconfig: &Path) -> Self {
        let database = Database::new().await;
        let key = TokenKey::new(&"a key for tests only ".repeat(2)).unwrap();
        let cluster = connect::kubeconfig(kubeconfig).unwrap();
        let ports = ports(&database, &key, &cluster).await;
        let site = ports.sites.site(None).await.unwrap();
        let control_plane = Arc::new(ControlPlane::new(ports, Settings::default()));
        let server =
            Server::new(&control_plane, &key.clone().into(), Door::default()).await.unwrap();
        api::work::start(&control_plane, &server.metrics.worker, &server.tasks, &server.stop);
        let registration = Registration {
            email: "root@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            nickname: "Root".to_owned(),
        };
        control_plane.ensure_admin(registration).await.unwrap();
        let anonymous = Client::new(server.routes.clone(), None);
        let ada = anonymous.register("ada").await.ok()["register"]["accessToken"].clone();
        let ada = Client::new(server.routes.clone(), ada.as_str());
        let root = anonymous.login("root").await;
        let run = WorkflowId::fresh().to_string();
        let run = run[run.len() - 12..].to_owned();
        name_tenants(&database, &run).await;
        Self { ada, root, cluster, site, run, server, _database: database }
    }

    /// The namespace of Ada's instances.
    pub fn instances(&self) -> String {
        format!("slipway-test-{}-personal-2--instances", self.run)
    }

    /// A namespace for applications.
    pub fn applications(&self) -> String {
        format!("slipway-test-{}--apps", self.run)
    }

    pub async fn buy(&self, image: &str, name: &str) -> String {
        let product = self.root.create_product(image).await;
        self.ada.buy(&product, name).await.1
    }

    /// The instance once it is as it should be.
    pub async fn until(&self, id: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let look = async || {
            let shown = self.ada.instance(id).await;
            if is_so(&shown) { Ok(shown) } else { Err(shown.to_string()) }
        };
        until(what, look).await
    }

    pub async fn command(&self, command: &str, id: &str, status: &str, pods: usize) -> Value {
        self.ada.command(command, id).await.ok();
        let is_so = |shown: &Value| {
            shown["status"] == status && shown["pods"].as_array().unwrap().len() == pods
        };
        self.until(id, status, is_so).await
    }

    /// Stops, and removes the namespaces that came of it, where the account may do so.
    pub async fn end(self) {
        self.server.stop.cancel();
        self.server.tasks.close();
        self.server.tasks.wait().await;
        let namespaces = Api::<Namespace>::all(self.cluster.clone());
        for name in [self.instances(), self.applications()] {
            match namespaces.delete(&name, &DeleteParams::default()).await {
                Err(kube::Error::Api(status)) if status.is_not_found() => continue,
                Err(refused) => eprintln!("the namespace {name} stays: {refused}"),
                Ok(_) => {
                    let look = async || match namespaces.get_opt(&name).await {
                        Ok(None) => Ok(()),
                        there => Err(format!("{there:?}")),
                    };
                    until("gone", look).await;
                }
            }
        }
    }
}

/// What a look finds once it finds it.
pub async fn until<T>(what: &str, look: impl AsyncFn() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < end, "it is not {what}: {seen}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ports(database: &Database, key: &TokenKey, cluster: &kube::Client) -> Ports {
    let target = Target { name: "kubeconfig".to_owned(), simulated: false };
    let runtime = Arc::new(KubernetesRuntime::new(cluster.clone(), target));
    Ports {
        dev: Arc::new(SimulatedProvider::default()),
        store: Arc::new(SqlStore::open(&database.url, None).await.unwrap()),
        search: runtime.clone(),
        runtime,
        sites: Arc::new(KubernetesSites::new(cluster.clone(), site_settings())),
        bus: Arc::new(LocalBus::new()),
        mirror: Arc::new(MemoryMirror::default()),
        passwords: Arc::new(Argon2Hasher::new().unwrap()),
        tokens: Arc::new(Signer::new(key)),
        vault: Arc::new(AesVault::new(Some(key)).unwrap()),
    }
}

/// Gives the tenants names that no other run has, which their namespaces are called after.
async fn name_tenants(database: &Database, run: &str) {
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
}
