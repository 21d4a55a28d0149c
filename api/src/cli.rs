//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::{
    config::Config,
    copies::{self, BackupArgs},
    doctor, graphql,
    import::{self, ImportArgs},
    reference::{self, Page},
    serve::{self, Part},
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
    Serve(Box<ServeArgs>),
    /// Runs workflows and follows the cluster, for processes that only answer; it listens for
    /// probes and metrics alone.
    Work(Box<Config>),
    /// Copies the embedded database, which may be in use, to a new file.
    Backup(BackupArgs),
    /// Puts a copy in the place of the embedded database, while Slipway is stopped.
    Restore(BackupArgs),
    /// Looks at everything that Slipway needs, and says what to do.
    Doctor(Box<Config>),
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

#[derive(Args)]
struct ServeArgs {
    /// Only answers: other processes run the workflows and follow the cluster.
    #[arg(long)]
    no_work: bool,

    #[command(flatten)]
    config: Config,
}

impl ServeArgs {
    fn part(&self) -> Part {
        if self.no_work { Part::Answer } else { Part::Everything }
    }
}

impl Cli {
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            None => serve::run(self.config, Part::Everything).await,
            Some(Command::Serve(args)) => {
                let part = args.part();
                serve::run(args.config, part).await
            }
            Some(Command::Work(config)) => serve::run(*config, Part::Work).await,
            Some(Command::Backup(args)) => copies::back_up(&args).await,
            Some(Command::Restore(args)) => copies::restore(&args).await,
            Some(Command::Doctor(config)) => doctor::run(&config).await,
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
