//! The port to whatever makes clusters on the machines of developers.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Cluster, DevCluster, DevClusterProvider, PortRules, Ports};
use crate::{error::Result, ids::ClusterId};

#[async_trait]
pub trait DevProvider: Send + Sync {
    /// Refuses where no cluster of that kind can be made.
    async fn check(&self, kind: DevClusterProvider) -> Result<()>;

    /// Whether nobody listens on a port of a host.
    async fn is_port_free(&self, host: &str, port: u16) -> Result<bool>;

    /// Makes a cluster; what an earlier try has left of it is removed before.
    async fn create(&self, machine: &DevMachine) -> Result<Said>;

    async fn start(&self, machine: &DevMachine) -> Result<Said>;

    async fn stop(&self, machine: &DevMachine) -> Result<Said>;

    /// Absence is fine.
    async fn delete(&self, machine: &DevMachine) -> Result<Said>;

    /// `None` where it does not exist.
    async fn look(&self, machine: &DevMachine) -> Result<Option<DevState>>;

    /// What keeps its API server from answering; `None` where it answers.
    async fn trouble(&self, machine: &DevMachine) -> Result<Option<String>>;
}

/// A development cluster as its provider knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevMachine {
    pub cluster_id: ClusterId,
    pub name: String,
    pub provider: DevClusterProvider,
    pub host: String,
    pub subnet: Option<String>,
    pub ports: Ports<u16>,
    /// The ports of the host that are the cluster's.
    pub leased: Vec<super::PortPurpose>,
}

/// How a provider's command went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// What it wrote.
    pub lines: Vec<String>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevState {
    pub running: bool,
    /// Of its first node.
    pub server_ip: Option<String>,
}

impl DevMachine {
    pub(super) fn of(cluster: &Cluster, dev: &DevCluster, rules: &PortRules) -> Self {
        Self {
            cluster_id: cluster.id,
            name: format!("slipway-{}", cluster.name),
            provider: dev.provider,
            host: dev.host.clone(),
            subnet: dev.subnet.clone(),
            ports: dev.ports,
            leased: rules.leased().collect(),
        }
    }
}
