use clap::{Parser, Subcommand};

use api::{
    config::Config,
    graphql, serve,
    simulate::{self, SimulateArgs},
};

/// A cloud control plane as one connected graph.
#[derive(Parser)]
#[command(name = "slipway", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Answers requests and runs workflows; what `slipway` alone does.
    Serve,
    /// Serves a simulated Kubernetes cluster, for kubectl and for several Slipway processes.
    Simulate(SimulateArgs),
    /// Prints the GraphQL schema.
    Schema,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(cli.config).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Schema => {
            print!("{}", graphql::sdl());
            Ok(())
        }
    }
}
