use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use api::{
    auth::Signer,
    config::Door,
    dev_clusters::SimulatedProvider,
    http::{Limits, Routes},
    keys::TokenKey,
    passwords::Argon2Hasher,
    serve::Server,
    vault::AesVault,
};
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header::AUTHORIZATION},
    middleware::map_request,
};
use domain::{
    ControlPlane, Ports, Settings,
    clock::{Clock, SystemClock},
    identity::Registration,
    ids::ProcessId,
    runtime::Target,
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use kubernetes::{KubernetesRuntime, KubernetesSites, SiteSettings};
use persistence::{LocalBus, MemoryMirror, SqlStore};
use simulator::{Account, Cluster, Rule};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Client, Database};

pub const PASSWORD: &str = "correct horse battery";
/// Signs the tokens of all processes of a test.
pub const KEY: &str = "a key that all processes of a test share";

/// Time that moves when a test says so.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl TestClock {
    pub fn new() -> Self {
        Self::at(SystemClock.now())
    }

    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(start)))
    }

    pub fn set_back(&self, by: Duration) {
        *self.0.lock().unwrap() -= by;
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::try_from(by).unwrap();
    }
}

/// A cluster, and its API as a process is shown it.
struct Through {
    cluster: Cluster,
    api: Router,
}

/// Slipway in one process, whose time stands still but for [`TestApp::advance`], and whose tasks
/// run only when told to.
pub struct TestApp {
    pub control_plane: Arc<ControlPlane>,
    pub store: Arc<SqlStore>,
    pub mirror: Arc<MemoryMirror>,
    pub cluster: Cluster,
    /// Who makes development clusters.
    pub dev: Arc<SimulatedProvider>,
    pub clock: TestClock,
    pub routes: Routes,
    pub database: Database,
    server: Option<Server>,
    key: TokenKey,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let clock = TestClock::new();
        let cluster = Cluster::new(simulator::Clock::manual(clock.now()));
        Self::on(Database::new().await, clock, cluster, settings).await
    }

    /// Whose account in the cluster may do this and no more.
    pub async fn allowed(rules: Vec<Rule>) -> Self {
        let clock = TestClock::new();
        let cluster = Cluster::new(simulator::Clock::manual(clock.now()));
        let (token, name) = ("known".to_owned(), "slipway".to_owned());
        let guarded = cluster.guarded_router(vec![Account { token, name, rules }]);
        let api = guarded.layer(map_request(async |mut request: Request| {
            request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static("Bearer known"));
            request
        }));
        let through = Through { cluster, api };
        Self::through(Database::new().await, clock, through, Settings::default()).await
    }

    /// Another process beside this one, on the same database, clock and cluster.
    pub async fn beside(&self) -> Self {
        self.beside_with(Settings::default()).await
    }

    pub async fn beside_with(&self, settings: Settings) -> Self {
        let database = self.database.shared();
        Self::on(database, self.clock.clone(), self.cluster.clone(), settings).await
    }

    /// Another process on the same database, clock and cluster, after this one has died.
    pub async fn restarted(self) -> Self {
        let Self { database, clock, cluster, .. } = self;
        Self::on(database, clock, cluster, Settings::default()).await
    }

    /// Another process whose cluster is a new one, as after a restart of an embedded Slipway.
    pub async fn moved_to(self, cluster: Cluster) -> Self {
        let Self { database, clock, .. } = self;
        Self::on(database, clock, cluster, Settings::default()).await
    }

    async fn on(
        database: Database,
        clock: TestClock,
        cluster: Cluster,
        settings: Settings,
    ) -> Self {
        let api = cluster.router();
        Self::through(database, clock, Through { cluster, api }, settings).await
    }

    async fn through(
        database: Database,
        clock: TestClock,
        Through { cluster, api }: Through,
        settings: Settings,
    ) -> Self {
        let key = TokenKey::new(KEY).unwrap();
        let store =
            Arc::new(SqlStore::open(&database.url, Some(Arc::new(clock.clone()))).await.unwrap());
        let client = kube::Client::new(api, "default");
        let target = Target { name: "simulated".to_owned(), simulated: true };
        let mirror = Arc::new(MemoryMirror::default());
        let dev = Arc::new(SimulatedProvider::default());
        let runtime = Arc::new(KubernetesRuntime::new(client.clone(), target));
        let ports = Ports {
            store: store.clone(),
            search: runtime.clone(),
            runtime,
            dev: dev.clone(),
            sites: Arc::new(KubernetesSites::new(client, site_settings())),
            bus: Arc::new(LocalBus::new()),
            mirror: mirror.clone(),
            passwords: Arc::new(Argon2Hasher::new().unwrap()),
            tokens: Arc::new(Signer::new(&key)),
            vault: Arc::new(AesVault::new(Some(&key)).unwrap()),
        };
        let control_plane = Arc::new(ControlPlane::new(ports, settings));
        let server =
            Server::new(&control_plane, &key.clone().into(), Door::default()).await.unwrap();
        let routes = server.routes.clone();
        let server = Some(server);
        Self { control_plane, store, mirror, cluster, dev, clock, routes, database, server, key }
    }

    pub fn anonymous(&self) -> Client {
        Client::new(self.routes.clone(), None)
    }

    /// A new account of that name.
    pub async fn user(&self, name: &str) -> Client {
        let reply = self.anonymous().register(name).await;
        let data = reply.ok();
        Client::new(self.routes.clone(), data["register"]["accessToken"].as_str())
    }

    /// The first administrator.
    pub async fn admin(&self) -> Client {
        let registration = Registration {
            email: "root@example.com".to_owned(),
            password: PASSWORD.to_owned(),
            nickname: "Root".to_owned(),
        };
        self.control_plane.ensure_admin(registration).await.unwrap();
        self.anonymous().login("root").await
    }

    /// The same application behind a door of other settings.
    pub async fn with_door(&self, door: Door) -> Server {
        Server::new(&self.control_plane, &self.key.clone().into(), door).await.unwrap()
    }

    /// Serves the same application behind a door of other settings; answers with its address, and
    /// with what stops it.
    pub async fn served(&self, door: Door) -> (String, CancellationToken) {
        let server = self.with_door(door).await;
        let stop = server.stop.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(server.listen(listener));
        (address, stop)
    }

    /// Moves the time of store and cluster alike.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.cluster.advance(by);
    }

    /// Runs tasks, moving the time while they wait, until nothing is left to do.
    pub async fn run_tasks(&self) {
        for _ in 0..10_000 {
            while self.control_plane.run_next_task().await.unwrap() {}
            if self.control_plane.next_task_due().await.unwrap().is_none() {
                return;
            }
            self.advance(Duration::from_millis(500));
        }
        panic!("tasks are left after more than an hour");
    }

    /// Takes in what the cluster shows now: complete lists, as after a new connection.
    pub async fn observe(&self) {
        let process = ProcessId::fresh();
        let observer = self.control_plane.begin_observing(process).await.unwrap().unwrap();
        let mut observations = self.control_plane.observations();
        for _ in 0..4 {
            let observation = observations.next().await.unwrap();
            self.control_plane.observe(observer, observation).await.unwrap();
        }
    }

    /// Takes in complete lists and goes on to watch for a moment.
    pub async fn watch(&self) {
        let mut observations = self.control_plane.observations();
        let watched = async { while observations.next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_millis(300), watched).await;
    }

    /// From here on tasks run, the cluster is watched and time flies, all by themselves; answers
    /// with the address that the graph is served at.
    pub async fn live(&mut self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = self.server.take().unwrap();
        api::work::start(&self.control_plane, &server.metrics.worker, &server.tasks, &server.stop);
        tokio::spawn(server.listen(listener));
        tokio::spawn(fly(self.clock.clone(), self.cluster.clone()));
        address
    }

    /// Ends what this process does by itself, so that only requests reach the store.
    pub async fn quiet(&mut self) {
        let server = self.server.take().unwrap();
        server.stop.cancel();
        server.tasks.close();
        server.tasks.wait().await;
    }

    /// An object of the cluster as its API shows it.
    pub async fn object(&self, path: &str) -> serde_json::Value {
        let client = kube::Client::new(self.cluster.router(), "default");
        client.request(axum::http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap()
    }

    /// Removes an object of the cluster behind everybody's back.
    pub async fn delete(&self, path: &str) {
        let client = kube::Client::new(self.cluster.router(), "default");
        let request = axum::http::Request::delete(path).body(Vec::new()).unwrap();
        client.request::<serde_json::Value>(request).await.unwrap();
    }

    /// Names of what stands in the cluster for tenants, as `Kind name`.
    pub async fn standing(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, path) in [
            ("Deployment", "/apis/apps/v1/deployments"),
            ("ReplicaSet", "/apis/apps/v1/replicasets"),
            ("StatefulSet", "/apis/apps/v1/statefulsets"),
            ("PersistentVolumeClaim", "/api/v1/persistentvolumeclaims"),
            ("PodDisruptionBudget", "/apis/policy/v1/poddisruptionbudgets"),
            ("Job", "/apis/batch/v1/jobs"),
            ("Pod", "/api/v1/pods"),
            ("Secret", "/api/v1/secrets"),
            ("Service", "/api/v1/services"),
            ("Ingress", "/apis/networking.k8s.io/v1/ingresses"),
        ] {
            let list = self.object(path).await;
            for item in list["items"].as_array().unwrap() {
                let metadata = &item["metadata"];
                if metadata["namespace"].as_str().unwrap().starts_with("slipway-") {
                    found.push(format!("{kind} {}", metadata["name"].as_str().unwrap()));
                }
            }
        }
        found
    }
}

/// Clusters of kubeconfigs may stand on this machine.
pub fn site_settings() -> SiteSettings {
    SiteSettings {
        builder_image: "moby/buildkit:rootless".to_owned(),
        networks: vec!["127.0.0.0/8".parse().unwrap()],
    }
}

/// The settings of a door with these limits.
pub fn door(limits: Limits) -> Door {
    Door { limits, ..Door::default() }
}

/// A hundred times real time.
async fn fly(clock: TestClock, cluster: Cluster) {
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        clock.advance(Duration::from_millis(200));
        cluster.advance(Duration::from_millis(200));
    }
}
