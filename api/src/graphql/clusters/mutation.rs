use async_graphql::{Context, Object, SimpleObject};
use domain::{Committed, clusters, ids::ClusterId};

use super::{
    Cluster,
    dev::DevClusterPayload,
    import::ImportPayload,
    inputs::{CreateDevClusterInput, CreateSearchClusterInput, UpdateSearchClusterInput},
    search::SearchClusterPayload,
};
use crate::{
    graphql::{
        context::Ctx,
        error::Result,
        scalars::{Cursor, Id},
        workflows::Workflow,
    },
    import::hash,
};

/// A changed cluster.
#[derive(SimpleObject)]
pub struct ClusterPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The cluster as it is now.
    cluster: Cluster,
    /// The workflow that does the work.
    workflow: Option<Workflow>,
}

impl From<Committed<clusters::Cluster>> for ClusterPayload {
    fn from(committed: Committed<clusters::Cluster>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, cluster: entity.into(), workflow }
    }
}

#[derive(Default)]
pub struct ClusterMutation;

#[Object]
impl ClusterMutation {
    /// Makes an Elasticsearch cluster in a namespace of its own. Takes CLUSTERS, CPU_MILLIS,
    /// MEMORY_MIB, DISK_MIB and GPU of the quota. ALREADY_EXISTS where the tenant has a cluster of
    /// that name or in that namespace.
    async fn create_search_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new cluster.")] input: CreateSearchClusterInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<SearchClusterPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_search_cluster(&call, input.into()).await?.into()))
    }

    /// Gives a search cluster other replicas and resources, after what is under way for it; its
    /// status is SCALING until they are there. Disks only grow.
    async fn update_search_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cluster.")] id: Id<ClusterId>,
        #[graphql(desc = "What changes; what is absent stays.")] input: UpdateSearchClusterInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<SearchClusterPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let size = input.into();
        Ok(Some(ctx.control_plane().update_search_cluster(&call, id.0, &size).await?.into()))
    }

    /// Makes a local k3d or kind cluster, with ports of the host that nobody else has. Takes
    /// CLUSTERS of the quota. ALREADY_EXISTS where the host has a cluster of that name,
    /// PORTS_EXHAUSTED where no port is free.
    async fn create_dev_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new cluster.")] input: CreateDevClusterInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DevClusterPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_dev_cluster(&call, input.into()).await?.into()))
    }

    /// Makes the development clusters that a file names, in the caller's personal tenant; those
    /// that are there are brought up to date. For administrators.
    async fn import_dev_clusters(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Comma-separated values under a header with `env` and any of `provider`, \
                    `node_port`, `pf_port`, `register_portainer`, `haproxy_route`, `http_port` \
                    and `https_port`."
        )]
        csv: String,
        #[graphql(desc = "Only say what would come of it.", default_with = "Some(false)")]
        dry_run: Option<bool>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ImportPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let imported = ctx
            .control_plane()
            .import_dev_clusters(&call, &csv, hash(&csv), dry_run.unwrap_or(false))
            .await?;
        Ok(Some(imported.into()))
    }

    /// Starts a stopped or failed development cluster, after what is under way for it.
    async fn start_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cluster.")] id: Id<ClusterId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ClusterPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().start_cluster(&call, id.0).await?.into()))
    }

    /// Stops a development cluster, after what is under way for it. Its ports are kept.
    async fn stop_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cluster.")] id: Id<ClusterId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ClusterPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().stop_cluster(&call, id.0).await?.into()))
    }

    /// Deletes a cluster, whatever it is doing: what runs is cancelled, and the deletion waits for
    /// it. Its name, its ports and its part of the quota are free when it is gone.
    async fn delete_cluster(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The cluster.")] id: Id<ClusterId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ClusterPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().delete_cluster(&call, id.0).await?.into()))
    }
}
