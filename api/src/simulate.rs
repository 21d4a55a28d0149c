//! `slipway simulate`: the simulated cluster on a port, for kubectl and for several processes.

use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use simulator::{Clock, Cluster, Fault, kubeconfig};
use tokio::net::TcpListener;

#[derive(Args, Debug)]
pub struct SimulateArgs {
    /// Where to listen: an address of this machine only, since anybody who reaches it may do
    /// everything.
    #[arg(long, default_value = "127.0.0.1:6443")]
    listen: SocketAddr,

    /// Where to write the kubeconfig; it is printed where absent.
    #[arg(long = "kubeconfig-out")]
    out: Option<PathBuf>,

    /// Which share of calls goes wrong, from 0 to 1: an error of the server, too many requests, a
    /// time-out, or an answer that is lost after the call has had its effect.
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    fault_rate: f64,

    /// Chooses the calls that go wrong, the same ones in every run.
    #[arg(long, default_value_t = 0)]
    fault_seed: u64,
}

pub async fn run(args: SimulateArgs) -> anyhow::Result<()> {
    if !args.listen.ip().is_loopback() {
        bail!("{} is not an address of this machine only", args.listen);
    }
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("listening on {}", args.listen))?;
    let text = kubeconfig(listener.local_addr()?);
    if let Some(path) = args.out {
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    } else {
        std::io::stdout().lock().write_all(text.as_bytes())?;
    }
    let cluster = Cluster::new(Clock::system());
    cluster.faults().fail_at_rate(args.fault_rate, args.fault_seed, &faults());
    cluster.serve(listener).await?;
    Ok(())
}

fn faults() -> [Fault; 5] {
    [
        Fault::Status(500, None),
        Fault::Status(503, None),
        Fault::Status(429, Some(Duration::from_secs(1))),
        Fault::Timeout,
        Fault::LostAnswer,
    ]
}

fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("must be a number from 0 to 1")
}
