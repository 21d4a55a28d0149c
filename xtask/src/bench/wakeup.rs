//! How soon a worker takes up what was committed: from the transaction of a payment to that of the
//! claim of its first task, by the store's time. The payment's own part is in it.

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use clap::Args;
use jiff::Timestamp;

use super::{
    server::Server,
    wire::{Http, field, log_in},
};
use crate::{process, redis::Redis, services::Programs};

/// Between two purchases: what is measured is how soon somebody is woken, not how long a queue is.
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);
/// How soon the claim has to come where somebody is woken.
const WOKEN: Duration = Duration::from_millis(50);
/// And where he looks for himself.
const BY_HIMSELF: Duration = Duration::from_secs(2);
/// Nobody waits for a place or for money.
const SETTINGS: [(&str, &str); 4] = [
    ("SLIPWAY_LIMIT_BUDGET", "1000000000"),
    ("SLIPWAY_WORKFLOWS", "10000"),
    ("SLIPWAY_TENANT_WORKFLOWS", "10000"),
    ("SLIPWAY_TOKEN_KEY", "a key that both of the processes share"),
];

#[derive(Args)]
pub struct Options {
    /// How many
    #[arg(long, default_value_t = 100)]
    purchases: usize,
    /// Measure this program instead of building one for release
    #[arg(long)]
    program: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<()> {
    let services = Programs::find_or_install()?.start()?;
    let program = options.program.clone().map_or_else(super::program, Ok)?;
    let count = options.purchases;

    let server = Server::start_part(&program, &[], &SETTINGS)?;
    let mut judged = vec![judge("SQLite, one process", &server, count, WOKEN)];
    drop(server);
    let database = services.postgres.url();
    let without = [&SETTINGS[..], &[("SLIPWAY_DATABASE_URL", &database)]].concat();
    if let Some(redis) = services.redis.as_ref().map(Redis::url) {
        let settings = [&without[..], &[("SLIPWAY_REDIS_URL", &redis)]].concat();
        let (answering, _working) = pair(&program, &settings)?;
        judged.push(judge("PostgreSQL and Redis, two processes", &answering, count, WOKEN));
    }
    let (answering, _working) = pair(&program, &without)?;
    judged.push(judge("PostgreSQL without Redis, two processes", &answering, count, BY_HIMSELF));
    judged.into_iter().collect()
}

/// One that answers, and one that works.
fn pair(program: &Path, settings: &[(&str, &str)]) -> Result<(Server, Server)> {
    let answering = Server::start_part(program, &["serve", "--no-work"], settings)?;
    Ok((answering, Server::start_part(program, &["work"], settings)?))
}

fn judge(what: &str, server: &Server, purchases: usize, soon: Duration) -> Result<()> {
    let token = log_in(&server.address)?;
    let mut http = Http::open(&server.address)?;
    let mut ask = |query: &str| -> Result<String> {
        ensure!(!process::interrupted(), "interrupted");
        let (_, answer) = http.post(Some(&token), &format!(r#"{{"query":"{query}"}}"#))?;
        ensure!(!answer.contains("\"errors\""), "{answer}");
        Ok(answer)
    };
    let spec = r#"{ cpuMillis: 1, memoryMib: 1, image: \"web:1\" }"#;
    let input = format!(r#"{{ name: \"Bench\", price: 1, spec: {spec} }}"#);
    let product = field(
        &ask(&format!("mutation {{ createProduct(input: {input}) {{ product {{ id }} }} }}"))?,
        "id",
    )?;
    let prefix = what.len();
    let mut delays = Vec::new();
    for number in 0..purchases {
        delays.push(delay(&mut ask, &product, &format!("web-{prefix}-{number}"))?);
        sleep(PAUSE);
    }
    delays.sort();
    let at = |share: usize| delays[(delays.len() - 1) * share / 100];
    let (median, p99, longest) = (at(50), at(99), at(100));
    println!("{what}: median {median:.1?}, p99 {p99:.1?}, longest {longest:.1?} of {purchases}");
    ensure!(p99 <= soon, "p99 is more than {soon:?}");
    Ok(())
}

/// Buys; how long it took until the first task was claimed.
fn delay(
    ask: &mut impl FnMut(&str) -> Result<String>,
    product: &str,
    name: &str,
) -> Result<Duration> {
    let input = format!(r#"{{ productId: \"{product}\", instanceName: \"{name}\" }}"#);
    let placed = ask(&format!("mutation {{ placeOrder(input: {input}) {{ order {{ id }} }} }}"))?;
    let order = field(&placed, "id")?;
    let paid = ask(&format!(
        r#"mutation {{ payOrder(id: \"{order}\") {{ workflow {{ id createdAt }} }} }}"#
    ))?;
    let (workflow, paid_at) = (field(&paid, "id")?, field(&paid, "createdAt")?);
    let look = format!(
        r#"{{ node(id: \"{workflow}\") {{ ... on Workflow {{ tasks {{ startedAt }} }} }} }}"#
    );
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Ok(claimed_at) = field(&ask(&look)?, "startedAt") {
            let delay = claimed_at.parse::<Timestamp>()?.duration_since(paid_at.parse()?);
            return Ok(Duration::try_from(delay)?);
        }
        ensure!(Instant::now() < patience, "nobody has claimed {workflow}");
        sleep(Duration::from_millis(5));
    }
}
