//! Clients for real clusters.

use std::{path::Path, time::Duration};

use domain::error::{Error, Result};
use kube::{Client, Config};

use crate::{error::cluster, kubeconfig::Kubeconfig, watch};

pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// The cluster that the current context of a kubeconfig names. Call it inside a Tokio runtime.
pub fn kubeconfig(path: &Path) -> Result<Client> {
    let what = format!("the kubeconfig {}", path.display());
    let text = std::fs::read(path).map_err(|error| refused(&what, error.into()))?;
    let config = Kubeconfig::parse(&text)?.config();
    client(config).map_err(|error| refused(&what, error.into()))
}

/// The cluster that this process runs in, by the service account of its pod. Call it inside a
/// Tokio runtime.
pub fn in_cluster() -> Result<Client> {
    let refused = |source| refused("the pod's service account", source);
    let config = Config::incluster().map_err(|error| refused(error.into()))?;
    client(config).map_err(|error| refused(error.into()))
}

/// Which Kubernetes answers, such as `v1.36.0`.
pub async fn version(client: &Client) -> Result<String> {
    client.apiserver_version().await.map(|version| version.git_version).map_err(cluster)
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
