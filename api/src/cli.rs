//! The command line.

use clap::{Parser, Subcommand};

use crate::{
    config::Config,
    graphql,
    import::{self, ImportArgs},
    reference::{self, Page},
    serve,
    simulate::{self, SimulateArgs},
};

/// A cloud control plane as one connected graph.
#[derive(Parser)]
#[command(name = "slipway", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Answers requests and runs workflows; what `slipway` alone does.
    Serve(Box<Config>),
    /// Serves a simulated Kubernetes cluster, for kubectl and for several Slipway processes.
    Simulate(SimulateArgs),
    /// Makes the development clusters that a file of comma-separated values names.
    Import(Box<ImportArgs>),
    /// Prints the GraphQL schema.
    Schema,
    /// Prints a table of the documentation, as the program knows it.
    #[command(hide = true)]
    Reference { page: Page },
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            None => serve::run(self.config).await,
            Some(Command::Serve(config)) => serve::run(*config).await,
            Some(Command::Simulate(args)) => simulate::run(args).await,
            Some(Command::Import(args)) => import::run(*args).await,
            Some(Command::Schema) => {
                print!("{}", graphql::sdl());
                Ok(())
            }
            Some(Command::Reference { page }) => {
                print!("{}", reference::table(page));
                Ok(())
            }
        }
    }
}
