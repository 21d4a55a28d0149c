//! What a pod costs the server that watches it.

use std::{
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{
    resume::create,
    server::Server,
    wire::{Http, field, log_in},
};
use crate::process;

/// What one may cost.
const MOST_BYTES: u64 = 8 * 1024;
/// How long it may take until all instances run.
const PATIENCE: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(1);
/// By then a server has taken in what there is, and is at rest.
const SETTLE: Duration = Duration::from_secs(20);

/// What a server needs that finds the pods of so many instances, beside what it needs that finds
/// none.
pub fn run(count: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let _cluster = serve_cluster(folder.path())?;
    let server = start(folder.path())?;
    sleep(SETTLE);
    let before = server.resident_kib()?;
    buy(&server, count)?;
    drop(server);

    let server = start(folder.path())?;
    sleep(SETTLE);
    let after = server.resident_kib()?;

    let each = after.saturating_sub(before) * 1024 / count.max(1);
    println!("{count} pods: {before} KiB before, {after} KiB after, {each} bytes each");
    ensure!(each <= MOST_BYTES, "a pod costs more than {MOST_BYTES} bytes");
    Ok(())
}

/// A simulated cluster on a port, with a kubeconfig in the folder.
pub fn serve_cluster(folder: &Path) -> Result<process::Server> {
    let kubeconfig = folder.join("kubeconfig");
    let mut command = Command::new(super::program()?);
    let address = format!("127.0.0.1:{}", process::free_port()?);
    command.args(["simulate", "--listen", &address, "--kubeconfig-out"]).arg(&kubeconfig);
    let mut cluster = process::Server::start(command, &folder.join("cluster.log"), "TERM")?;
    cluster.wait_until(|| kubeconfig.exists())?;
    Ok(cluster)
}

/// A server on the store and the cluster of the folder.
fn start(folder: &Path) -> Result<Server> {
    let store = format!("sqlite://{}", folder.join("slipway.db").display());
    let kubeconfig = folder.join("kubeconfig").display().to_string();
    Server::start(&[
        ("SLIPWAY_DATABASE_URL", &store),
        ("SLIPWAY_KUBERNETES", "kubeconfig"),
        ("SLIPWAY_KUBECONFIG", &kubeconfig),
        ("SLIPWAY_LIMIT_BUDGET", "1000000000"),
        ("SLIPWAY_TASK_DEADLINE", "10m"),
    ])
}

/// Buys so many instances and waits until all run.
fn buy(server: &Server, count: u64) -> Result<()> {
    let token = log_in(&server.address)?;
    let mut http = Http::open(&server.address)?;
    let mut ask = |query: &str| -> Result<String> {
        let (_, answer) = http.post(Some(&token), &format!(r#"{{"query":"{query}"}}"#))?;
        ensure!(!answer.contains("\"errors\""), "{answer}");
        Ok(answer)
    };
    let product = field(&Http::open(&server.address)?.post(Some(&token), &create())?.1, "id")?;
    for n in 0..count {
        let input = format!(r#"{{ productId: \"{product}\", instanceName: \"web-{n}\" }}"#);
        let placed = format!("mutation {{ placeOrder(input: {input}) {{ order {{ id }} }} }}");
        let order = field(&ask(&placed)?, "id")?;
        ask(&format!(r#"mutation {{ payOrder(id: \"{order}\") {{ replayed }} }}"#))?;
    }
    let running = "{ instances(filter: { status: RUNNING }) { totalCount } }";
    let begun = Instant::now();
    while !ask(running)?.contains(&format!(r#""totalCount":{count}}}"#)) {
        ensure!(!process::interrupted(), "interrupted");
        ensure!(begun.elapsed() < PATIENCE, "not all instances run: {}", ask(running)?);
        sleep(PAUSE);
    }
    Ok(())
}
