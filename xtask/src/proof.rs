//! The long forms of `tests/proof`: what kills, stops and starves the program for minutes, and
//! judges what is left. A seed repeats a run as far as processes and networks repeat themselves.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::{process, services::Programs, test};

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    Sqlite,
    Postgres,
}

#[derive(Args)]
pub struct Crash {
    /// How many orders are placed and paid
    #[arg(long, default_value_t = 1_000)]
    creates: usize,
    /// How often a process is killed meanwhile
    #[arg(long, default_value_t = 60)]
    kills: usize,
    #[arg(long, value_enum, default_value_t = Store::Sqlite)]
    store: Store,
    /// How many processes serve; more than one need PostgreSQL
    #[arg(long, default_value_t = 1)]
    processes: usize,
    /// Three times also stop a process for twice its lease
    #[arg(long)]
    stop: bool,
    /// Chooses moments, processes, commands and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Try this program, such as a release build, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

pub fn crash(options: &Crash) -> Result<()> {
    let on_postgres = options.store == Store::Postgres;
    ensure!(options.processes == 1 || on_postgres, "SQLite has one process; add --store postgres");
    ensure!(options.processes > 0 && options.kills > 0, "there is nothing to kill");
    let extent = [
        ("CREATES", options.creates.to_string()),
        ("KILLS", options.kills.to_string()),
        ("PROCESSES", options.processes.to_string()),
        ("STOPS", if options.stop { 3 } else { 0 }.to_string()),
        ("SEED", options.seed.to_string()),
    ];
    run("proof::crash::long", options.program.as_deref(), &extent, on_postgres)
}

#[derive(Args)]
pub struct Failover {
    /// For how many seconds
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Try this program, such as a release build, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

pub fn failover(options: &Failover) -> Result<()> {
    let extent = [("SECONDS", options.seconds.to_string())];
    run("proof::failover::long", options.program.as_deref(), &extent, true)
}

#[derive(Args)]
pub struct Soak {
    /// For how many minutes, with a fault in each
    #[arg(long, default_value_t = 20)]
    minutes: u64,
    /// Chooses commands and faults of the cluster
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Try this program, such as a release build, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

pub fn soak(options: &Soak) -> Result<()> {
    let extent = [("MINUTES", options.minutes.to_string()), ("SEED", options.seed.to_string())];
    run("proof::soak::long", options.program.as_deref(), &extent, true)
}

/// Runs one test that is not of the suite, with what it prints.
fn run(
    test: &str,
    program: Option<&Path>,
    extent: &[(&str, String)],
    on_postgres: bool,
) -> Result<()> {
    let programs = if on_postgres { Some(Programs::find_or_install()?) } else { None };
    let directory = tempfile::tempdir()?;
    let binary = directory.path().join("slipway");
    match program {
        Some(program) => fs::copy(program, &binary).map(drop)?,
        None => test::build_program(&binary)?,
    }
    let services = programs.map(|programs| programs.start()).transpose()?;

    let package = ["test", "--quiet", "-p", "slipway-tests", "--test", "it", "--"];
    let mut command = process::cargo(&package);
    command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env("SLIPWAY_BIN", &binary)
        .env("RUST_BACKTRACE", "0");
    if let Some(services) = &services {
        command.env("SLIPWAY_TEST_DATABASE", services.postgres.url());
        if let Some(redis) = &services.redis {
            command.env("SLIPWAY_TEST_REDIS", redis.url());
        }
    }
    for (name, set) in extent {
        command.env(format!("SLIPWAY_PROOF_{name}"), set);
    }
    process::run(command)
}
