//! Clients for real clusters.

use std::{path::Path, time::Duration};

use domain::error::{Error, Result};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::watch;

const CONNECT: Duration = Duration::from_secs(5);

/// The cluster that the current context of an operator's kubeconfig names. The file is trusted: it
/// may name programs to run and files to read.
pub async fn kubeconfig(path: &Path) -> Result<Client> {
    let what = format!("the kubeconfig {}", path.display());
    let refused = |source| refused(&what, source);
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| refused(error.into()))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| refused(error.into()))?;
    client(config).map_err(|error| refused(error.into()))
}

/// The cluster that this process runs in, by the service account of its pod. Call it inside a
/// Tokio runtime.
pub fn in_cluster() -> Result<Client> {
    let refused = |source| refused("the pod's service account", source);
    let config = Config::incluster().map_err(|error| refused(error.into()))?;
    client(config).map_err(|error| refused(error.into()))
}

fn client(mut config: Config) -> kube::Result<Client> {
    config.connect_timeout = Some(CONNECT);
    // A watch is silent for as long as nothing happens, but the server ends each in time: a longer
    // silence means that the connection is dead.
    config.read_timeout = Some(watch::LIMIT + CONNECT * 2);
    config.reset_reader_on_write = true;
    // Tasks and the watch have their own patience.
    config.default_retry = false;
    Client::try_from(config)
}

fn refused(what: &str, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Internal { context: format!("{what} cannot be used"), source: Some(source) }
}
