//! Measurements that take longer than a test may, of a release build against figures.

mod cluster;
mod compare;
mod deployments;
mod hostile;
mod resume;
mod server;
mod sockets;
mod wakeup;
mod wire;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::Subcommand;

use crate::process;

#[derive(Subcommand)]
pub enum Bench {
    /// Do the same work with Slipway and with other servers, on one database
    Compare(compare::Options),
    /// Roll versions out to twenty environments, and see what each task costs the server
    Deployments {
        /// How many deployments
        #[arg(long, default_value_t = 200)]
        count: usize,
    },
    /// Attack the server from many connections while an honest client works
    Hostile {
        /// For how many seconds
        #[arg(long, default_value_t = 300)]
        seconds: u64,
    },
    /// Come back to a log that has gone on by many events
    Resume {
        /// By how many
        #[arg(long, default_value_t = 100_000)]
        events: u64,
    },
    /// Hold many idle WebSockets with a subscription each, and see what they cost
    Sockets {
        /// How many
        #[arg(long, default_value_t = 10_000)]
        count: u64,
    },
    /// Buy, and see how soon a worker takes up what was committed
    Wakeup(wakeup::Options),
}

/// Builds everything that is measured, with one set of features; answers with the folder.
fn build() -> Result<PathBuf> {
    process::run(process::cargo(&["build", "--release", "-p", "api", "-p", "slipway-bench"]))?;
    Ok(process::target().join("release"))
}

/// Builds it all; answers with where Slipway's program is.
fn program() -> Result<PathBuf> {
    Ok(build()?.join("slipway"))
}

pub fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Compare(options) => compare::run(options),
        Bench::Deployments { count } => deployments::run(*count),
        Bench::Hostile { seconds } => hostile::run(Duration::from_secs(*seconds)),
        Bench::Resume { events } => resume::run(*events),
        Bench::Sockets { count } => sockets::run(*count),
        Bench::Wakeup(options) => wakeup::run(options),
    }
}
