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
    auth::Signer, config::Door, dev_clusters::CliProvider, keys::TokenKey, passwords::Argon2Hasher,
    serve::Server, vault::AesVault,
};
use domain::{ControlPlane, Ports, Settings, runtime::Target};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use kubernetes::{KubernetesRuntime, KubernetesSites};
use persistence::{CommitMoment, LocalBus, MemoryMirror, SqlStore};
use serde_json::Value;
use tokio::{net::TcpListener, time::sleep};

use crate::support::{Database, KEY, Process, ServedCluster, TestApp, Tools, site_settings};

mod clusters;
mod deployments;
mod purchases;

const CRASH_AT: &str = "SLIPWAY_TEST_CRASH_AT";
const DATABASE: &str = "SLIPWAY_TEST_CRASH_DATABASE";
const KUBECONFIG: &str = "SLIPWAY_TEST_CRASH_KUBECONFIG";
/// Where a server notes each commit, beside its database.
const COMMITS: &str = "commits";
/// How many purchases go on side by side, each in a task that waits for a process.
const AT_ONCE: usize = 6;
/// A purchase with its claims, records and observations has at least so many commits.
const FEWEST: usize = 15;

/// Tries every moment of a run: before each of its commits, where all that the commit is about has
/// been done outside, and where asked right after it.
async fn at_every_commit<F: Future<Output = usize> + Send + 'static>(
    run: impl Fn(Option<String>) -> F,
    words: &[&str],
) {
    at_commits(1, run, words).await;
}

/// The same at each `step`th commit, for runs that take long; at every one where
/// `SLIPWAY_TEST_MOMENTS=all`.
async fn at_commits<F: Future<Output = usize> + Send + 'static>(
    step: usize,
    run: impl Fn(Option<String>) -> F,
    words: &[&str],
) {
    let step = if env::var("SLIPWAY_TEST_MOMENTS").is_ok() { 1 } else { step };
    let commits = run(None).await;
    assert!(commits >= FEWEST, "{commits} commits");
    let moments = (1..=commits).step_by(step);
    let moments: Vec<String> =
        moments.flat_map(|n| words.iter().map(move |word| format!("{n} {word}"))).collect();
    let tried = moments.len();

    let survived: Vec<usize> = stream::iter(moments)
        .map(|moment| tokio::spawn(run(Some(moment))))
        .buffer_unordered(AT_ONCE)
        .map(Result::unwrap)
        .collect()
        .await;

    assert_eq!(survived.len(), tried);
}

/// Who calls a server that dies, and its successor.
struct Caller {
    token: String,
    process: Process,
    database: Database,
    cluster: ServedCluster,
    /// What makes development clusters.
    tools: Tools,
}

impl Caller {
    /// Calls a server that dies at `moment`, on the database of this application.
    async fn new(app: TestApp, token: String, moment: Option<&str>) -> Self {
        let TestApp { database, .. } = app;
        let (cluster, tools) = (ServedCluster::new().await, Tools::new());
        let process = start(&database, &cluster, &tools, moment);
        Self { token, process, database, cluster, tools }
    }

    /// Sends until it is answered; where the process has died, to its successor.
    async fn insist(&mut self, document: &str, variables: &Value) -> Value {
        loop {
            match self.process.try_send(Some(&self.token), document, variables) {
                Ok(answer) if answer["errors"].is_null() => return answer["data"].clone(),
                Ok(answer) => panic!("{answer}"),
                Err(_) => self.revive(None).await,
            }
        }
    }

    /// Lets another process go on, which dies at `moment`.
    async fn dies_at(&mut self, moment: Option<&str>) {
        self.process.signal("KILL");
        self.revive(moment).await;
    }

    async fn revive(&mut self, moment: Option<&str>) {
        while !self.process.has_ended() {
            sleep(Duration::from_millis(5)).await;
        }
        self.process = start(&self.database, &self.cluster, &self.tools, moment);
    }

    /// Asks until it is as it should be.
    async fn until(
        &mut self,
        document: &str,
        variables: &Value,
        moment: Option<&str>,
        done: impl Fn(&Value) -> bool,
    ) {
        let patience = Instant::now() + Duration::from_secs(120);
        loop {
            let shown = self.insist(document, variables).await;
            if done(&shown) {
                return;
            }
            assert!(Instant::now() < patience, "stuck after {moment:?}: {shown}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn commits(&self) -> usize {
        let noted = std::fs::read_to_string(self.database.folder.path().join(COMMITS));
        noted.unwrap().lines().count()
    }
}

fn start(
    database: &Database,
    cluster: &ServedCluster,
    tools: &Tools,
    moment: Option<&str>,
) -> Process {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["crash::server", "--exact", "--ignored", "--nocapture"])
        .env(DATABASE, &database.url)
        .env(KUBECONFIG, &cluster.kubeconfig)
        .env("PATH", tools.path());
    if let Some(moment) = moment {
        command.env(CRASH_AT, moment);
    }
    Process::run(command, database)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is the process that tests start and kill"]
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
        dev: Arc::new(CliProvider),
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
    api::work::start(&control_plane, &server.metrics.worker, &server.tasks, &server.stop);
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
