//! The port to the cluster that search clusters run in.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{SearchResources, VectorSpec};
use crate::{error::Result, ids::ClusterId, runtime::Rollout};

#[async_trait]
pub trait SearchRuntime: Send + Sync {
    /// Server-side apply of one object. Applying the same again changes nothing.
    async fn apply_search(&self, workload: &SearchWorkload, part: SearchPart) -> Result<()>;

    /// How far the StatefulSet has come; `None` where it does not exist.
    async fn search_rollout(&self, place: &ClusterPlace) -> Result<Option<Rollout>>;

    /// Enlarges the volumes that are smaller than they should be; answers with their names.
    async fn expand_volumes(&self, workload: &SearchWorkload) -> Result<Vec<String>>;

    /// Tells the running cluster what its indices shall be like; answers with why it could not be
    /// told.
    async fn configure_search(&self, workload: &SearchWorkload) -> Result<Option<String>>;

    /// Deletes one part; absence is fine.
    async fn remove_search(&self, place: &ClusterPlace, part: SearchPart) -> Result<()>;

    /// What is left of a part, as `Kind name`.
    async fn search_remains(&self, place: &ClusterPlace, part: SearchPart) -> Result<Vec<String>>;
}

/// Where the objects of a search cluster stand. All but the namespace begin with one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterPlace {
    pub namespace: String,
    pub name: String,
    pub cluster_id: ClusterId,
}

/// What should run for a search cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchWorkload {
    pub place: ClusterPlace,
    pub replicas: i32,
    pub resources: SearchResources,
    pub heap_mib: i64,
    pub first_disk_size: String,
    pub vector: Option<VectorSpec>,
    pub source_url: Option<String>,
    pub image: String,
}

/// What a search cluster is made of, in the order in which it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchPart {
    Namespace,
    /// By which its replicas find each other.
    HeadlessService,
    /// By which others find it.
    ClientService,
    DisruptionBudget,
    /// With its pods.
    StatefulSet,
    /// The claims that the StatefulSet has made.
    Volumes,
}

impl SearchPart {
    /// Those that are applied.
    pub const APPLIED: &[Self] = &[
        Self::Namespace,
        Self::HeadlessService,
        Self::ClientService,
        Self::DisruptionBudget,
        Self::StatefulSet,
    ];
}
