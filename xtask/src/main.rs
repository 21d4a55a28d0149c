//! The developer commands: `cargo xtask --help`.

mod apt;
mod bench;
mod chromium;
mod clients;
mod console;
mod docs;
mod migration;
mod npm;
mod postgres;
mod process;
mod proof;
mod redis;
mod schema;
mod services;
mod ship;
mod suite;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Slipway's developer commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the lints, and the whole suite on SQLite and on a private PostgreSQL
    Test(test::Options),
    /// Test GraphiQL in a browser
    Console(console::Options),
    /// Write schema.graphql
    Schema,
    /// Write the tables of docs/ that the program knows
    Docs,
    /// Build the program as it is shipped: by what it is seen to do under load
    Ship,
    /// Measure a release build against the figures that it has to keep
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Buy while processes are killed on a cluster that fails now and then, and judge what is left
    Crash(proof::Crash),
    /// Kill one of two processes every ten seconds under load, and see that no other request fails
    Failover(proof::Failover),
    /// Work on for long with a fault each minute, and see that the memory does not grow
    Soak(proof::Soak),
    /// Make an empty migration
    Migration {
        /// What it does, in snake case
        name: String,
    },
    /// Run a private PostgreSQL and print its URL, until Ctrl-C
    Postgres,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    process::forward_signals()?;
    match command {
        Command::Test(options) => test::run(&options),
        Command::Console(options) => console::run(&options),
        Command::Schema => schema::write(),
        Command::Bench(bench) => bench::run(&bench),
        Command::Ship => ship::build().map(|program| println!("{}", program.display())),
        Command::Docs => docs::write(),
        Command::Crash(options) => proof::crash(&options),
        Command::Failover(options) => proof::failover(&options),
        Command::Soak(options) => proof::soak(&options),
        Command::Migration { name } => migration::create(&name),
        Command::Postgres => postgres::serve(),
    }
}
