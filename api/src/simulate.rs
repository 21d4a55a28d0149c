//! `slipway simulate`: the simulated cluster on a port, for kubectl and for several processes.

use std::{io::Write, net::SocketAddr, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use simulator::{Clock, Cluster, kubeconfig};
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
    Cluster::new(Clock::system()).serve(listener).await?;
    Ok(())
}
