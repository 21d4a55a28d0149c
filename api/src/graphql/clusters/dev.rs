use async_graphql::{Context, Enum, SimpleObject};
use domain::{Committed, clusters};

use super::cluster::{ClusterStatus, cluster_object, status};
use crate::graphql::{
    context::Ctx,
    error::Result,
    loaders::must,
    scalars::{Cursor, DateTime},
    workflows::Workflow,
};

pub struct DevCluster(pub clusters::Cluster);

impl DevCluster {
    fn dev(&self) -> Result<&clusters::DevCluster> {
        let other = || domain::Error::internal("a cluster passed for another kind");
        Ok(self.0.dev().ok_or_else(other)?)
    }
}

cluster_object! {
    /// A local k3d or kind cluster. No two on a host have the same name, nor the same port.
    DevCluster {
        /// How it is.
        pub async fn status(&self, ctx: &Context<'_>) -> Result<ClusterStatus> {
            status(ctx, &self.0).await
        }
        /// What makes it.
        async fn provider(&self) -> Result<DevClusterProvider> {
            Ok(self.dev()?.provider.into())
        }
        /// The address whose ports lead to it.
        async fn host(&self) -> Result<&str> {
            Ok(&self.dev()?.host)
        }
        /// The network that it was given.
        async fn subnet(&self) -> Result<Option<&str>> {
            Ok(self.dev()?.subnet.as_deref())
        }
        /// Its ports on the host.
        async fn ports(&self) -> Result<DevClusterPorts> {
            Ok(self.dev()?.ports.into())
        }
        /// The address of its first node, while it runs.
        async fn server_ip(&self) -> Result<Option<&str>> {
            Ok(self.dev()?.server_ip.as_deref())
        }
        /// Whether it is to be known to Portainer; for other tools to go by.
        async fn register_portainer(&self) -> Result<bool> {
            Ok(self.dev()?.register_portainer)
        }
        /// Whether HAProxy is to have a route to it; for other tools to go by.
        async fn haproxy_route(&self) -> Result<bool> {
            Ok(self.dev()?.haproxy_route)
        }
    }
}

/// What makes a development cluster.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "clusters::DevClusterProvider")]
pub enum DevClusterProvider {
    /// k3s in containers, by `k3d`.
    #[graphql(name = "K3D")]
    K3d,
    /// Kubernetes in containers, by `kind`.
    Kind,
}

/// The ports of a host that lead to a cluster.
#[derive(SimpleObject)]
pub struct DevClusterPorts {
    /// To NodePort 30080 inside; where node ports are shared, none of the host's.
    node: i32,
    /// To its API server.
    port_forward: i32,
    /// To its port 80.
    http: i32,
    /// To its port 443.
    https: i32,
}

/// A port that was asked for and was taken.
#[derive(SimpleObject)]
pub struct PortChange {
    /// What it is for: NODE, PORT_FORWARD, HTTP or HTTPS.
    purpose: &'static str,
    /// As asked for.
    requested: i32,
    /// What it became.
    allocated: i32,
}

/// The right to a port of a host, which nobody else has meanwhile.
pub struct PortLease(pub clusters::PortLease);

/// The right to a port of a host, which nobody else has meanwhile.
#[async_graphql::Object]
impl PortLease {
    /// The host's address.
    async fn host(&self) -> &str {
        &self.0.host
    }
    /// The port.
    async fn port(&self) -> i32 {
        self.0.port.into()
    }
    /// What it is for: NODE, PORT_FORWARD, HTTP or HTTPS.
    async fn purpose(&self) -> &str {
        self.0.purpose.as_str()
    }
    /// Whose it is.
    async fn cluster(&self, ctx: &Context<'_>) -> Result<super::Cluster> {
        Ok(must(&ctx.loaders().clusters, self.0.cluster_id).await?.into())
    }
    /// Since when.
    async fn acquired_at(&self) -> DateTime {
        DateTime(self.0.acquired_at)
    }
}

/// A new or changed development cluster.
#[derive(SimpleObject)]
pub struct DevClusterPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The cluster as it is now.
    cluster: DevCluster,
    /// The workflow that does the work.
    workflow: Option<Workflow>,
    /// Which ports are other than those that were asked for.
    ports_changed: Vec<PortChange>,
}

impl From<Committed<clusters::Cluster>> for DevClusterPayload {
    fn from(committed: Committed<clusters::Cluster>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let changes = entity.dev().map(clusters::DevCluster::ports_changed).unwrap_or_default();
        let ports_changed = changes.into_iter().map(Into::into).collect();
        let cluster = DevCluster(entity);
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, cluster, workflow, ports_changed }
    }
}

impl From<clusters::Ports<u16>> for DevClusterPorts {
    fn from(ports: clusters::Ports<u16>) -> Self {
        let clusters::Ports { node, port_forward, http, https } = ports;
        Self {
            node: node.into(),
            port_forward: port_forward.into(),
            http: http.into(),
            https: https.into(),
        }
    }
}

impl From<clusters::PortChange> for PortChange {
    fn from(change: clusters::PortChange) -> Self {
        let clusters::PortChange { purpose, requested, allocated } = change;
        Self { purpose: purpose.as_str(), requested: requested.into(), allocated: allocated.into() }
    }
}
