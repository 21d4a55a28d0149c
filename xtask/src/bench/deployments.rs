//! What planning deployments and keeping their books costs the server: the cluster is another
//! process, and builders and pods are simulated there. What claiming and recording takes, and what
//! asking that cluster takes, is as the server itself counts it; planning is what it takes to create
//! the deployments, the requests included.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    cluster::serve_cluster,
    server::Server,
    sockets::register,
    wire::{Http, field, get},
};
use crate::process;

const ENVIRONMENTS: usize = 20;
/// What planning a task and keeping its books may cost, in ms.
const MOST: f64 = 3.0;
const PATIENCE: Duration = Duration::from_secs(1200);
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const WORKER_CPU: &str = "slipway_worker_cpu_seconds_total{part=";
const REPOSITORY: &str = "https://git.example.com/acme/shop";

pub fn run(deployments: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let _cluster = serve_cluster(folder.path())?;
    let kubeconfig = folder.path().join("kubeconfig").display().to_string();
    let server = Server::start(&[
        ("SLIPWAY_KUBERNETES", "kubeconfig"),
        ("SLIPWAY_KUBECONFIG", &kubeconfig),
        ("SLIPWAY_LIMIT_BUDGET", "1000000000"),
    ])?;
    let mut caller = Caller::new(&server)?;
    let application = caller.create_application()?;
    let environments: Vec<String> =
        (0..ENVIRONMENTS).map(|n| caller.create_environment(n)).collect::<Result<_>>()?;
    let before = Used::by(&server)?;

    let begun = Instant::now();
    for round in 0..deployments.div_ceil(ENVIRONMENTS) {
        let version = caller.create_version(round)?;
        let strategy = if round % 2 == 0 { "ROLLING" } else { "BLUE_GREEN" };
        let rest = deployments - round * ENVIRONMENTS;
        for environment in environments.iter().take(rest) {
            caller.deploy(&version, &application, environment, strategy)?;
        }
    }
    let created = Used::by(&server)?.since(&before);
    while caller.count("deployments(filter: { status: [SUCCESS] })")? < deployments {
        ensure!(begun.elapsed() < PATIENCE, "deployments are stuck");
        ensure!(!process::interrupted(), "interrupted");
        sleep(LOOK_AGAIN);
    }

    let (took, used) = (begun.elapsed(), Used::by(&server)?.since(&before));
    let tasks = caller.count("tasks(filter: { status: [SUCCESS] })")?;
    let each =
        |seconds: f64| Ok::<_, anyhow::Error>(seconds * 1e3 / f64::from(u32::try_from(tasks)?));
    let (all, cluster) = (each(used.in_all)?, each(used.cluster)?);
    let books = each(used.books + created.in_all - created.cluster - created.books)?;
    let rest = all - books - cluster;
    println!(
        "{deployments} deployments with {tasks} tasks in {took:.0?}: of the server's CPU each task \
         took {books:.2} ms for planning and books, {cluster:.2} ms for asking the cluster, and \
         {rest:.2} ms for connections and what is under all of it"
    );
    ensure!(books <= MOST, "the books of a task cost more than {MOST} ms");
    Ok(())
}

/// Processor time of the server, in seconds.
struct Used {
    in_all: f64,
    /// Of executing tasks and following the cluster.
    cluster: f64,
    /// Of claiming and recording, with the threads of the store.
    books: f64,
}

impl Used {
    fn by(server: &Server) -> Result<Self> {
        let metrics = get(&server.address, "/metrics")?;
        let worker = |part: &str| {
            let of = format!("{WORKER_CPU}\"{part}\"}} ");
            metrics.lines().find_map(|line| line.strip_prefix(&of)?.parse::<f64>().ok())
        };
        let worker = |part: &str| worker(part).with_context(|| format!("no CPU of {part}"));
        Ok(Self {
            in_all: server.cpu_seconds()?,
            cluster: worker("tasks")? + worker("watch")?,
            books: worker("books")? + server.cpu_seconds_of_threads("sqlite")?,
        })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            in_all: self.in_all - before.in_all,
            cluster: self.cluster - before.cluster,
            books: self.books - before.books,
        }
    }
}

struct Caller {
    http: Http,
    token: String,
}

impl Caller {
    /// With a token that outlives the measurement.
    fn new(server: &Server) -> Result<Self> {
        let token = register(&server.address)?;
        let mut caller = Self { http: Http::open(&server.address)?, token };
        let scopes = r#"name: \"bench\", scopes: [\"read\", \"write\"]"#;
        let document = format!("mutation {{ createApiToken(input: {{ {scopes} }}) {{ secret }} }}");
        caller.token = field(&caller.send(&document)?, "secret")?;
        Ok(caller)
    }

    /// A document in which quotes are escaped.
    fn send(&mut self, document: &str) -> Result<String> {
        let body = format!(r#"{{"query":"{document}"}}"#);
        let (_, answer) = self.http.post(Some(&self.token), &body)?;
        ensure!(!answer.contains("\"errors\""), "{answer}");
        Ok(answer)
    }

    fn create(&mut self, kind: &str, input: &str) -> Result<String> {
        let thing = kind.to_lowercase();
        let document =
            format!("mutation {{ create{kind}(input: {{ {input} }}) {{ {thing} {{ id }} }} }}");
        field(&self.send(&document)?, "id")
    }

    /// It is built and tested.
    fn create_application(&mut self) -> Result<String> {
        let config = r#"{ testCommand: \"true\", cleanupDelaySeconds: 1 }"#;
        self.create(
            "Application",
            &format!(
                r#"name: \"api\", type: \"microservice\", repository: \"{REPOSITORY}\",
                config: {config}"#
            )
            .replace('\n', " "),
        )
    }

    fn create_environment(&mut self, n: usize) -> Result<String> {
        self.create("Environment", &format!(r#"name: \"env{n}\", type: KUBERNETES"#))
    }

    fn create_version(&mut self, round: usize) -> Result<String> {
        let commit = format!("{round:040x}");
        let rest = format!(r#"gitCommit: \"{commit}\", repository: \"{REPOSITORY}\""#);
        self.create("Version", &format!(r#"gitTag: \"v{round}\", {rest}"#))
    }

    fn deploy(
        &mut self,
        version: &str,
        application: &str,
        environment: &str,
        strategy: &str,
    ) -> Result<String> {
        let ids = format!(
            r#"versionId: \"{version}\", applicationIds: [\"{application}\"], environmentId: \"{environment}\""#
        );
        self.create("Deployment", &format!("{ids}, strategy: {strategy}"))
    }

    fn count(&mut self, of: &str) -> Result<usize> {
        let answer = self.send(&format!("{{ {of} {{ totalCount }} }}"))?;
        let (_, rest) = answer.split_once("\"totalCount\":").context(answer.clone())?;
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        Ok(digits.parse()?)
    }
}
