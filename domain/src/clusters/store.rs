use async_trait::async_trait;

use super::{Cluster, ClusterFilter, Import, PortLease, Sighting, TakenPorts};
use crate::{
    error::Result,
    ids::{ClusterId, ImportId, TenantId},
    page::{Page, PageRequest},
};

#[async_trait]
pub trait ClusterReads {
    async fn clusters_by_id(&mut self, ids: &[ClusterId]) -> Result<Vec<Cluster>>;
    async fn clusters(
        &mut self,
        filter: &ClusterFilter,
        page: &PageRequest,
    ) -> Result<Page<Cluster>>;
    /// The cluster of that name that was made last in a scope, whether it still holds it or not.
    async fn latest_cluster(&mut self, scope: &str, name: &str) -> Result<Option<Cluster>>;
    /// Those that hold a namespace of one of these names.
    async fn clusters_in(&mut self, namespaces: &[String]) -> Result<Vec<Cluster>>;
    async fn sightings(&mut self, clusters: &[ClusterId]) -> Result<Vec<Sighting>>;
    /// All search clusters whose StatefulSet was there when last looked.
    async fn sighted_clusters(&mut self) -> Result<Vec<ClusterId>>;
    /// Those of a host, or all; `None` for `visible` does not narrow.
    async fn port_leases(
        &mut self,
        host: Option<&str>,
        visible: Option<&[TenantId]>,
    ) -> Result<Vec<PortLease>>;
    /// The ports of a host that somebody has, however many clusters there are.
    async fn taken_ports(&mut self, host: &str) -> Result<TakenPorts>;
    async fn imports_by_id(&mut self, ids: &[ImportId]) -> Result<Vec<Import>>;
    async fn latest_import(&mut self) -> Result<Option<Import>>;
}

#[async_trait]
pub trait ClusterWrites {
    /// `false` where its name or its namespace is held by another cluster.
    async fn insert_cluster(&mut self, cluster: &Cluster) -> Result<bool>;
    async fn update_cluster(&mut self, cluster: &Cluster) -> Result<()>;
    async fn save_sighting(&mut self, sighting: &Sighting) -> Result<()>;
    async fn delete_sighting(&mut self, cluster: ClusterId) -> Result<()>;
    /// How many of these ports were nobody's, and are leased now.
    async fn lease_ports(&mut self, leases: &[PortLease]) -> Result<usize>;
    async fn release_ports(&mut self, cluster: ClusterId) -> Result<()>;
    async fn insert_import(&mut self, import: &Import) -> Result<()>;
}
