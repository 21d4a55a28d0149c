use std::{path::Path, process::Command};

use anyhow::Result;

use crate::process;

/// A simulated cluster on a port, with a kubeconfig in the folder.
pub fn serve_cluster(folder: &Path) -> Result<process::Server> {
    let kubeconfig = folder.join("kubeconfig");
    let mut command = Command::new(super::program()?);
    let address = format!("127.0.0.1:{}", process::free_port()?);
    command.args(["simulate", "--listen", &address, "--kubeconfig-out"]).arg(&kubeconfig);
    let mut cluster = process::Server::start(command, &folder.join("cluster.log"), "TERM")?;
    cluster.wait_until(|| kubeconfig.exists())?;
    Ok(cluster)
}
