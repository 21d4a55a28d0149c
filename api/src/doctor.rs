//! `slipway doctor`: looks at everything that a process needs, and changes nothing.

use std::{io::Write, time::Duration};

use anyhow::bail;
use domain::{Error, error::Result as DomainResult};
use jiff::Timestamp;
use persistence::{Inspection, RedisBus};
use tokio::time::timeout;

use crate::config::{Config, KubernetesMode};

/// How long anything may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clocks that are further apart confuse people; leases go by the database's alone.
const MOST_APART: i64 = 2;

/// What was found of one thing.
struct Finding {
    of: &'static str,
    state: State,
    said: String,
    /// What to do about it.
    advice: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    Odd,
    Wrong,
}

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut findings = settings(config);
    findings.extend(store(config).await);
    findings.push(bus(config).await);
    findings.push(cluster(config).await);
    let text: String = findings.iter().map(Finding::line).collect();
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    match findings.iter().filter(|finding| finding.state == State::Wrong).count() {
        0 => Ok(()),
        count => bail!("{count} found wrong"),
    }
}

impl Finding {
    fn fine(of: &'static str, said: impl Into<String>) -> Self {
        Self { of, state: State::Fine, said: said.into(), advice: "" }
    }

    fn odd(of: &'static str, said: impl Into<String>, advice: &'static str) -> Self {
        Self { of, state: State::Odd, said: said.into(), advice }
    }

    fn wrong(of: &'static str, said: impl Into<String>, advice: &'static str) -> Self {
        Self { of, state: State::Wrong, said: said.into(), advice }
    }

    fn line(&self) -> String {
        let state = match self.state {
            State::Fine => "fine",
            State::Odd => "odd",
            State::Wrong => "wrong",
        };
        let advice = match self.advice {
            "" => String::new(),
            advice => format!("{:17}{advice}\n", ""),
        };
        format!("{state:6} {:9} {}\n{advice}", self.of, self.said)
    }
}

fn settings(config: &Config) -> Vec<Finding> {
    let embedded = config.database_file().is_some();
    let mut findings = Vec::new();
    if !embedded && config.token_key.is_none() {
        findings.push(Finding::wrong(
            "settings",
            "there is no key for tokens",
            "Set SLIPWAY_TOKEN_KEY, to the same in all processes.",
        ));
    }
    if !embedded && config.secrets_key.is_none() {
        findings.push(Finding::odd(
            "settings",
            "there is no key for secrets, so that they are refused",
            "Set SLIPWAY_SECRETS_KEY, to the same in all processes.",
        ));
    }
    if !embedded && config.kubernetes == KubernetesMode::Simulated {
        findings.push(Finding::odd(
            "settings",
            "each process has a simulated cluster of its own",
            "Let the processes share one: `slipway simulate` and SLIPWAY_KUBERNETES=kubeconfig.",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::fine("settings", "they fit together"));
    }
    findings
}

async fn store(config: &Config) -> Vec<Finding> {
    match in_time(persistence::inspect(&config.database_url)).await {
        Ok(inspection) => vec![schema(&inspection), clock(&inspection)],
        Err(error) if config.database_file().is_some_and(|file| !file.exists()) => {
            vec![Finding::odd("store", said(&error), "The first start makes it.")]
        }
        Err(error) => {
            let advice = "See whether SLIPWAY_DATABASE_URL is right and the database runs.";
            vec![Finding::wrong("store", said(&error), advice)]
        }
    }
}

fn schema(inspection: &Inspection) -> Finding {
    let Inspection { server, schema, damage, .. } = inspection;
    if let Some(damage) = damage {
        let advice = "Stop Slipway, and restore the last backup: `slipway restore FILE`.";
        return Finding::wrong("store", format!("{server} is damaged: {damage}"), advice);
    }
    if let Some(newest) = schema.unknown.last() {
        let said = format!("{server} has the schema {newest}, of a newer Slipway");
        return Finding::wrong("store", said, "Start the newer Slipway.");
    }
    match schema.pending.len() {
        0 => Finding::fine("store", format!("{server}, its schema up to date")),
        count => {
            let said = format!("{server} waits for {count} migrations");
            Finding::odd("store", said, "The next start makes them.")
        }
    }
}

fn clock(inspection: &Inspection) -> Finding {
    let Some(there) = inspection.now else {
        return Finding::fine("clock", "the database goes by this machine's");
    };
    let apart = here().duration_since(there).as_secs().abs();
    match apart <= MOST_APART {
        true => Finding::fine("clock", "it agrees with the database's"),
        false => Finding::odd(
            "clock",
            format!("it is {apart} s from the database's"),
            "Synchronise both machines' clocks.",
        ),
    }
}

fn here() -> Timestamp {
    domain::clock::Clock::now(&domain::clock::SystemClock)
}

async fn bus(config: &Config) -> Finding {
    let Some(url) = &config.redis_url else {
        return match config.database_file() {
            Some(_) => Finding::fine("bus", "in this process, the only one"),
            None => Finding::odd(
                "bus",
                "processes look for each other's changes once a second",
                "Set SLIPWAY_REDIS_URL, and they are told at once.",
            ),
        };
    };
    match in_time(RedisBus::answers(url)).await {
        Ok(()) => Finding::fine("bus", "Redis answers"),
        Err(error) => Finding::wrong(
            "bus",
            said(&error),
            "Nothing is lost without Redis. See whether SLIPWAY_REDIS_URL is right and Redis runs.",
        ),
    }
}

async fn cluster(config: &Config) -> Finding {
    let client = match config.kubernetes {
        KubernetesMode::Simulated => {
            return Finding::fine("cluster", "simulated: nothing real runs");
        }
        KubernetesMode::InCluster => kubernetes::connect::in_cluster(),
        KubernetesMode::Kubeconfig => match &config.kubeconfig {
            Some(path) => kubernetes::connect::kubeconfig(path),
            None => {
                let said = "there is no kubeconfig";
                return Finding::wrong("cluster", said, "Set SLIPWAY_KUBECONFIG.");
            }
        },
    };
    let version = async { kubernetes::connect::version(&client?).await };
    match in_time(version).await {
        Ok(version) => Finding::fine("cluster", format!("Kubernetes {version} answers")),
        Err(error) => Finding::wrong(
            "cluster",
            said(&error),
            "See whether the address is right, the cluster runs and the account is let in.",
        ),
    }
}

async fn in_time<T>(answer: impl Future<Output = DomainResult<T>>) -> DomainResult<T> {
    let silent = |_| Error::unavailable("it", format!("no answer in {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, answer).await.map_err(silent)?
}

/// An error with its causes, on one line.
fn said(error: &Error) -> String {
    let causes = anyhow::Chain::new(error).map(ToString::to_string).collect::<Vec<_>>();
    causes.join(": ").replace('\n', " ")
}
