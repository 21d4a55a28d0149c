use async_graphql::InputObject;
use domain::{
    clusters::{self, Ports},
    ids::{TenantId, UserId},
};

use super::{cluster::ClusterStatus, dev::DevClusterProvider};
use crate::graphql::scalars::Id;

/// Narrows a list of clusters; what is absent does not. Deleted ones are listed only where
/// `status` asks for them.
#[derive(InputObject)]
pub struct ClusterFilter {
    /// Any of these, as stored; PENDING stands for CREATING too.
    status: Option<Vec<ClusterStatus>>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
    /// Made by this account.
    owner_id: Option<Id<UserId>>,
}

/// A new development cluster. What is absent is as it was in the last cluster of that name, else
/// found.
#[derive(InputObject)]
pub struct CreateDevClusterInput {
    /// Unique on the host: 1 to 24 lower-case letters, digits or hyphens, beginning with a letter
    /// and not ending with a hyphen.
    name: String,
    /// The tenant that it is for; the caller's personal one where absent.
    tenant_id: Option<Id<TenantId>>,
    /// What makes it.
    provider: DevClusterProvider,
    /// A network for it, such as 172.28.0.0/16; for K3D.
    subnet: Option<String>,
    /// One of the addresses that the platform has for this; its first where absent.
    host: Option<String>,
    /// From 1024 to 65535; the next free one where it is taken. So for the other ports.
    node_port: Option<i32>,
    /// Where its API server shall be reached.
    port_forward_port: Option<i32>,
    /// Where its port 80 shall be reached.
    http_port: Option<i32>,
    /// Where its port 443 shall be reached.
    https_port: Option<i32>,
}

impl From<CreateDevClusterInput> for clusters::NewDevCluster {
    fn from(input: CreateDevClusterInput) -> Self {
        let CreateDevClusterInput {
            name,
            tenant_id,
            provider,
            subnet,
            host,
            node_port,
            port_forward_port,
            http_port,
            https_port,
        } = input;
        Self {
            name,
            tenant_id: tenant_id.map(|id| id.0),
            provider: provider.into(),
            subnet,
            host,
            ports: Ports {
                node: node_port.map(Into::into),
                port_forward: port_forward_port.map(Into::into),
                http: http_port.map(Into::into),
                https: https_port.map(Into::into),
            },
            register_portainer: false,
            haproxy_route: false,
        }
    }
}

impl From<ClusterFilter> for clusters::ClusterFilter {
    fn from(filter: ClusterFilter) -> Self {
        let ClusterFilter { status, tenant_id, owner_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(ClusterStatus::stored).collect()),
            owner_id: owner_id.map(|id| id.0),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}
