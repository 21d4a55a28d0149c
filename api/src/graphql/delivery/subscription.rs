use std::sync::Arc;

use async_graphql::{Context, SimpleObject, Subscription};
use domain::{
    events::{EventFilter, EventType},
    ids::{DeploymentId, EnvironmentId},
};

use super::deployment::Deployment;
use crate::graphql::{
    error::Result,
    events::{self, Event, Followed, Live},
    scalars::{Cursor, Id},
};

/// A deployment that changed.
#[derive(SimpleObject)]
pub struct DeploymentChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// The deployment as it was right after the change.
    deployment: Deployment,
    /// The change.
    event: Event,
}

#[derive(Default)]
pub struct DeliverySubscription;

#[Subscription]
impl DeliverySubscription {
    /// Changes of deployments: of one, of those to an environment, or of all that the caller may
    /// see. Those of its tasks are told by workflowChanged and taskChanged.
    async fn deployment_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only this deployment.")] id: Option<Id<DeploymentId>>,
        #[graphql(desc = "Only deployments to this environment.")] environment_id: Option<
            Id<EnvironmentId>,
        >,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<DeploymentChange>> {
        let filter = EventFilter {
            types: Some(EventType::DEPLOYMENT.to_vec()),
            subject_id: id.map(|id| id.0.to_string()),
            parent_id: environment_id.map(|id| id.0.to_string()),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, deployment_change).await
    }
}

fn deployment_change(event: &Arc<domain::events::Event>) -> Result<Followed<DeploymentChange>> {
    let deployment = events::image(event)?;
    Ok(Some(DeploymentChange {
        cursor: events::cursor(event),
        deployment: Deployment(deployment),
        event: Event(event.clone()),
    }))
}
