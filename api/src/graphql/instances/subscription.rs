use std::sync::Arc;

use async_graphql::{Context, Enum, ID, SimpleObject, Subscription};
use domain::{
    Error,
    events::{EventFilter, EventType},
    ids::{ClusterId, InstanceId, TenantId},
    runtime::{self, Owner},
};

use super::{
    instance::Instance,
    pod::Pod,
    pod_log::{self, PodLogChunk},
};
use crate::graphql::{
    clusters::Cluster,
    context::Ctx,
    error::Result,
    events::{self, Event, Followed, Live},
    scalars::{Cursor, DateTime, Id},
};

/// An instance that changed.
#[derive(SimpleObject)]
pub struct InstanceChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// The instance as it was right after the change.
    instance: Instance,
    /// The change.
    event: Event,
}

/// A pod that changed.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct PodStateChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// When the change was seen.
    at: DateTime,
    /// What happened to it.
    kind: PodChangeKind,
    /// The pod as it was right after the change.
    pod: Pod,
    #[graphql(skip)]
    owner: Owner,
}

#[async_graphql::ComplexObject]
impl PodStateChange {
    /// The instance that the pod belongs to, as it is now; null where it belongs to a cluster.
    async fn instance(&self, ctx: &Context<'_>) -> Result<Option<Instance>> {
        let Owner::Instance(id) = self.owner else { return Ok(None) };
        Ok(ctx.loaders().instances.load_one(id).await?.map(Instance))
    }
    /// The cluster that the pod belongs to, as it is now; null where it belongs to an instance.
    async fn cluster(&self, ctx: &Context<'_>) -> Result<Option<Cluster>> {
        let Owner::Cluster(id) = self.owner else { return Ok(None) };
        Ok(ctx.loaders().clusters.load_one(id).await?.map(Cluster::from))
    }
}

/// What happened to a pod.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum PodChangeKind {
    /// It is there.
    Added,
    /// Something about it changed.
    Modified,
    /// It is gone.
    Deleted,
}

#[derive(Default)]
pub struct InstanceSubscription;

#[Subscription]
impl InstanceSubscription {
    /// Changes of instances: of one, of a tenant's, or of all that the caller may see.
    async fn instance_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this instance.")] id: Option<Id<InstanceId>>,
        #[graphql(desc = "Only this tenant's instances.")] tenant_id: Option<Id<TenantId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<InstanceChange>> {
        let filter = EventFilter {
            types: Some(EventType::INSTANCE.to_vec()),
            subject_id: id.map(|id| id.0.to_string()),
            tenant_id: tenant_id.map(|id| id.0),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, instance_change).await
    }

    /// Changes of pods: of one instance or cluster, or of all that the caller may see.
    async fn pod_state_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only pods of this instance.")] instance_id: Option<Id<InstanceId>>,
        #[graphql(desc = "Only pods of this cluster; not beside an instance.")] cluster_id: Option<
            Id<ClusterId>,
        >,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<PodStateChange>> {
        let owner = match (instance_id, cluster_id) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("clusterId", "is not for beside instanceId").into());
            }
            (Some(id), None) => Some(id.0.to_string()),
            (None, id) => id.map(|id| id.0.to_string()),
        };
        let filter = EventFilter {
            types: Some(EventType::POD.to_vec()),
            subject_id: owner,
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, pod_change).await
    }

    /// The log of a pod from its beginning, and what it goes on to write, across restarts of its
    /// container. Ends when the pod is gone.
    async fn pod_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The pod's `uid`.")] uid: ID,
        #[graphql(desc = "Begin behind this position.")] after: Option<String>,
    ) -> Result<Live<PodLogChunk>> {
        pod_log::follow(ctx, uid, after).await
    }
}

fn instance_change(event: &Arc<domain::events::Event>) -> Result<Followed<InstanceChange>> {
    let instance = Instance(events::image(event)?);
    let cursor = events::cursor(event);
    Ok(Some(InstanceChange { cursor, instance, event: Event(event.clone()) }))
}

fn pod_change(event: &Arc<domain::events::Event>) -> Result<Followed<PodStateChange>> {
    let pod: runtime::Pod = events::image(event)?;
    let kind = match event.event_type {
        EventType::PodAdded => PodChangeKind::Added,
        EventType::PodDeleted => PodChangeKind::Deleted,
        _ => PodChangeKind::Modified,
    };
    let owner = pod.owner;
    let (cursor, at) = (events::cursor(event), DateTime(event.at));
    Ok(Some(PodStateChange { cursor, at, kind, pod: Pod(pod), owner }))
}
