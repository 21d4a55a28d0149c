use std::sync::Arc;

use async_graphql::{Context, SimpleObject, Subscription};
use domain::{
    clusters,
    events::{EventFilter, EventType},
    ids::{ClusterId, TenantId},
};

use super::Cluster;
use crate::graphql::{
    error::Result,
    events::{self, Event, Followed, Live},
    scalars::{Cursor, Id},
};

/// A cluster that changed.
#[derive(SimpleObject)]
pub struct ClusterChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// The cluster as it was right after the change.
    cluster: Cluster,
    /// The change.
    event: Event,
}

#[derive(Default)]
pub struct ClusterSubscription;

#[Subscription]
impl ClusterSubscription {
    /// Changes of clusters: of one, of a tenant's, or of all that the caller may see.
    async fn cluster_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this cluster.")] id: Option<Id<ClusterId>>,
        #[graphql(desc = "Only this tenant's clusters.")] tenant_id: Option<Id<TenantId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<ClusterChange>> {
        let filter = EventFilter {
            types: Some(EventType::CLUSTER.to_vec()),
            subject_id: id.map(|id| id.0.to_string()),
            tenant_id: tenant_id.map(|id| id.0),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, cluster_change).await
    }
}

fn cluster_change(event: &Arc<domain::events::Event>) -> Result<Followed<ClusterChange>> {
    let cluster = events::image::<clusters::Cluster>(event)?.into();
    let cursor = events::cursor(event);
    Ok(Some(ClusterChange { cursor, cluster, event: Event(event.clone()) }))
}
