use async_graphql::InputObject;
use domain::{
    clusters::{self, Ports, SearchSize},
    ids::{TenantId, UserId},
};

use super::{cluster::ClusterStatus, dev::DevClusterProvider};
use crate::graphql::scalars::{Id, Long};

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
            register_portainer: None,
            haproxy_route: None,
        }
    }
}

/// A new search cluster. CPU, memory and disk are amounts as Kubernetes writes them.
#[derive(InputObject)]
pub struct CreateSearchClusterInput {
    /// The tenant that it is for.
    tenant_id: Id<TenantId>,
    /// What its Services and its StatefulSet are called: 1 to 40 lower-case letters, digits or
    /// hyphens, beginning with a letter and not ending with a hyphen.
    service_name: String,
    /// Unique in the tenant; that of the service where absent.
    name: Option<String>,
    /// Unique in the tenant; made of the service's name and the account where absent.
    namespace: Option<String>,
    /// 1 to 100; 3 where absent.
    replicas: Option<i32>,
    /// What each replica is sure to get; 500m where absent.
    cpu_request: Option<String>,
    /// What each replica may use; 1 where absent.
    cpu_limit: Option<String>,
    /// What each replica is sure to get; 2Gi where absent.
    memory_request: Option<String>,
    /// What each replica may use, 512Mi at least; 2Gi where absent.
    memory_limit: Option<String>,
    /// The volume of each replica, 1Gi at least; 10Gi where absent.
    disk_size: Option<String>,
    /// GPUs of each replica: 0 to 64.
    gpu_count: Option<i32>,
    /// How many numbers a vector has: 1 to 4096. Without it no index template is set.
    dimension: Option<i32>,
    /// How many vectors are expected.
    vector_count: Option<Long>,
    /// How many indices there shall be at most: 1 to 10000; 10 where absent.
    index_limit: Option<i32>,
    /// Where its configuration is kept, such as a repository: an http or https address without
    /// user and password, for people to find. Nothing is fetched from it; the namespace bears it as
    /// the annotation `slipway.io/source-url`.
    source_url: Option<String>,
}

/// Another size of a search cluster; what is absent stays.
#[derive(InputObject)]
pub struct UpdateSearchClusterInput {
    /// 1 to 100. The volumes of replicas that go are deleted.
    replicas: Option<i32>,
    /// What each replica is sure to get.
    cpu_request: Option<String>,
    /// What each replica may use.
    cpu_limit: Option<String>,
    /// What each replica is sure to get.
    memory_request: Option<String>,
    /// What each replica may use.
    memory_limit: Option<String>,
    /// The volume of each replica; not less than it is.
    disk_size: Option<String>,
}

impl From<CreateSearchClusterInput> for clusters::NewSearchCluster {
    fn from(input: CreateSearchClusterInput) -> Self {
        let CreateSearchClusterInput {
            tenant_id,
            service_name,
            name,
            namespace,
            replicas,
            cpu_request,
            cpu_limit,
            memory_request,
            memory_limit,
            disk_size,
            gpu_count,
            dimension,
            vector_count,
            index_limit,
            source_url,
        } = input;
        Self {
            tenant_id: Some(tenant_id.0),
            service_name,
            name,
            namespace,
            size: SearchSize {
                replicas,
                cpu_request,
                cpu_limit,
                memory_request,
                memory_limit,
                disk_size,
            },
            gpu_count,
            dimension,
            vector_count: vector_count.map(|count| count.0),
            index_limit,
            source_url,
        }
    }
}

impl From<UpdateSearchClusterInput> for SearchSize {
    fn from(input: UpdateSearchClusterInput) -> Self {
        let UpdateSearchClusterInput {
            replicas,
            cpu_request,
            cpu_limit,
            memory_request,
            memory_limit,
            disk_size,
        } = input;
        Self { replicas, cpu_request, cpu_limit, memory_request, memory_limit, disk_size }
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
