use async_graphql::{Context, SimpleObject};
use domain::{
    Committed,
    clusters::{self, Health},
    runtime::Owner,
};

use super::cluster::{ClusterStatus, cluster_object, status};
use crate::graphql::{
    context::Ctx,
    error::Result,
    explanation::Explanation,
    instances::Pod,
    scalars::{Cursor, DateTime, Long, time},
    workflows::Workflow,
};

pub struct SearchCluster(pub clusters::Cluster);

/// What the platform's cluster showed last.
struct Seen {
    sighting: Option<clusters::Sighting>,
    pods: Vec<domain::runtime::Pod>,
    connected: bool,
}

impl Seen {
    fn health(&self) -> Health {
        Health::of(self.sighting.as_ref(), &self.pods)
    }
}

impl SearchCluster {
    fn search(&self) -> Result<&clusters::SearchCluster> {
        let other = || domain::Error::internal("a cluster passed for another kind");
        Ok(self.0.search().ok_or_else(other)?)
    }

    async fn seen(&self, ctx: &Context<'_>) -> Result<Seen> {
        let loaders = ctx.loaders();
        let (sighting, pods, connected) = futures::try_join!(
            loaders.sightings.load_one(self.0.id),
            loaders.pods_of.load_one(Owner::Cluster(self.0.id)),
            loaders.connected.load_one(()),
        )?;
        let pods = pods.unwrap_or_default();
        Ok(Seen { sighting, pods, connected: connected.unwrap_or(false) })
    }
}

cluster_object! {
    /// A tenant's Elasticsearch cluster, in a namespace of its own.
    SearchCluster {
        /// How it is: as stored, and once it is made as its pods show: RUNNING while all are ready,
        /// FAILED while something is wrong with one, else CREATING.
        pub async fn status(&self, ctx: &Context<'_>) -> Result<ClusterStatus> {
            if self.0.status != clusters::ClusterStatus::Created {
                return status(ctx, &self.0).await;
            }
            Ok(match self.seen(ctx).await?.health() {
                Health::Running => ClusterStatus::Running,
                Health::Troubled => ClusterStatus::Failed,
                Health::Starting | Health::Absent => ClusterStatus::Creating,
            })
        }
        /// What its Services and its StatefulSet are called.
        async fn service_name(&self) -> Result<&str> {
            Ok(&self.search()?.service_name)
        }
        /// Its namespace, as it is called in the tenant.
        async fn namespace(&self) -> Result<&str> {
            Ok(&self.search()?.namespace)
        }
        /// Its namespace, as the platform's cluster knows it.
        async fn target_namespace(&self) -> Result<&str> {
            Ok(&self.search()?.target_namespace)
        }
        /// How many replicas it shall have.
        async fn replicas(&self) -> Result<i32> {
            Ok(self.search()?.replicas)
        }
        /// How far the work on it has come.
        async fn stored_status(&self) -> ClusterStatus {
            self.0.status.into()
        }
        /// What the platform's cluster showed last.
        async fn kube_status(&self, ctx: &Context<'_>) -> Result<KubeWorkloadStatus> {
            let seen = self.seen(ctx).await?;
            let phase = seen.health().as_str();
            let Seen { sighting, connected, .. } = seen;
            Ok(KubeWorkloadStatus {
                phase,
                ready_replicas: sighting.as_ref().map_or(0, |seen| seen.ready_replicas),
                total_replicas: sighting.as_ref().map_or(0, |seen| seen.total_replicas),
                observed_at: time(sighting.map(|seen| seen.observed_at)),
                stale: !connected,
            })
        }
        /// Why it does not run, with the evidence; null where it runs or should not.
        async fn why_not_running(&self, ctx: &Context<'_>) -> Result<Option<Explanation>> {
            let trouble = ctx.loaders().troubles.load_one(Owner::Cluster(self.0.id));
            let (seen, trouble) = futures::join!(self.seen(ctx), trouble);
            let (seen, trouble) = (seen?, trouble?);
            let known = clusters::Circumstances {
                sighting: seen.sighting.as_ref(),
                pods: &seen.pods,
                trouble: trouble.as_deref(),
                connected: seen.connected,
            };
            Ok(clusters::explain(&self.0, known).map(Explanation::from))
        }
        /// What each replica gets.
        async fn resources(&self) -> Result<ClusterResources> {
            Ok(self.search()?.resources.clone().into())
        }
        /// What its vectors are like, where it is for vectors.
        async fn vector(&self) -> Result<Option<VectorSpec>> {
            Ok(self.search()?.vector.clone().map(VectorSpec::from))
        }
        /// Where its configuration is kept, such as a repository: an http or https address without
        /// user and password, for people to find. Nothing is fetched from it; the namespace bears it as
        /// the annotation `slipway.io/source-url`.
        async fn source_url(&self) -> Result<Option<&str>> {
            Ok(self.search()?.source_url.as_deref())
        }
        /// Its pods, by name.
        async fn pods(&self, ctx: &Context<'_>) -> Result<Vec<Pod>> {
            let pods = ctx.loaders().pods_of.load_one(Owner::Cluster(self.0.id)).await?;
            Ok(pods.unwrap_or_default().into_iter().map(Pod).collect())
        }
    }
}

/// What the platform's cluster showed last of a workload.
#[derive(SimpleObject)]
pub struct KubeWorkloadStatus {
    /// Running, Starting, Troubled or Absent.
    phase: &'static str,
    /// How many replicas are ready.
    ready_replicas: i32,
    /// How many there shall be.
    total_replicas: i32,
    /// When it was seen to change last.
    observed_at: Option<DateTime>,
    /// Whether the cluster is not watched at the moment, so that the picture may be old.
    stale: bool,
}

/// What each replica gets, in amounts as Kubernetes writes them.
#[derive(SimpleObject)]
pub struct ClusterResources {
    /// CPU that it is sure to get.
    cpu_request: String,
    /// CPU that it may use.
    cpu_limit: String,
    /// Memory that it is sure to get.
    memory_request: String,
    /// Memory that it may use.
    memory_limit: String,
    /// Its volume.
    disk_size: String,
    /// Its GPUs.
    gpu_count: i32,
}

/// What the vectors of a search cluster are like.
#[derive(SimpleObject)]
pub struct VectorSpec {
    /// How many numbers a vector has.
    dimension: i32,
    /// How many vectors are expected.
    expected_count: Long,
    /// How many indices there shall be at most.
    index_limit: i32,
}

/// A new or changed search cluster.
#[derive(SimpleObject)]
pub struct SearchClusterPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The cluster as it is now.
    cluster: SearchCluster,
    /// The workflow that does the work.
    workflow: Option<Workflow>,
}

impl From<Committed<clusters::Cluster>> for SearchClusterPayload {
    fn from(committed: Committed<clusters::Cluster>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, cluster: SearchCluster(entity), workflow }
    }
}

impl From<clusters::SearchResources> for ClusterResources {
    fn from(resources: clusters::SearchResources) -> Self {
        let clusters::SearchResources {
            cpu_request,
            cpu_limit,
            memory_request,
            memory_limit,
            disk_size,
            gpu_count,
        } = resources;
        Self { cpu_request, cpu_limit, memory_request, memory_limit, disk_size, gpu_count }
    }
}

impl From<clusters::VectorSpec> for VectorSpec {
    fn from(vector: clusters::VectorSpec) -> Self {
        let clusters::VectorSpec { dimension, expected_count, index_limit } = vector;
        Self { dimension, expected_count: Long(expected_count), index_limit }
    }
}
