//! Slipway beside other servers on the same work. `cargo xtask bench compare` builds everything and
//! runs this.

mod ceiling;
mod compare;
mod contender;
mod data;
mod fan_out;
mod http;
mod idiomatic;
mod lifecycle;
mod load;
mod slipway;
mod table;
mod workload;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
enum Command {
    /// Measure
    Compare(compare::Options),
    /// Serve what is measured against
    #[command(subcommand)]
    Serve(Peer),
}

#[derive(Subcommand)]
enum Peer {
    /// By the documentation of async-graphql and diesel-async
    Idiomatic(At),
    /// By hand, on PostgreSQL
    Ceiling(At),
}

#[derive(clap::Args)]
struct At {
    listen: String,
    database: String,
}

fn main() -> Result<()> {
    rlimit::increase_nofile_limit(u64::MAX)?;
    match Command::parse() {
        // One thread, so that what is measured has the other cores.
        Command::Compare(options) => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(compare::run(&options)),
        Command::Serve(peer) => tokio::runtime::Runtime::new()?.block_on(async {
            match peer {
                Peer::Idiomatic(At { listen, database }) => {
                    idiomatic::serve(&listen, &database).await
                }
                Peer::Ceiling(At { listen, database }) => ceiling::serve(&listen, &database).await,
            }
        }),
    }
}
