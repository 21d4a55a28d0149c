use async_graphql::{Context, Object, SimpleObject};
use domain::{Committed, ids::InstanceId, instances};

use super::{inputs::UpdateInstanceInput, instance::Instance};
use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{Cursor, Id},
    workflows::Workflow,
};

/// A changed instance.
#[derive(SimpleObject)]
pub struct InstancePayload {
    /// The safe position just before the effect: a subscription from it shows the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The instance as it is now.
    instance: Instance,
    /// The workflow that does the work.
    workflow: Option<Workflow>,
}

impl From<Committed<instances::Instance>> for InstancePayload {
    fn from(committed: Committed<instances::Instance>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, instance: Instance(entity), workflow }
    }
}

#[derive(Default)]
pub struct InstanceMutation;

#[Object]
impl InstanceMutation {
    /// Starts a stopped or failed instance.
    async fn start_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().start_instance(&call, id.0).await?.into()))
    }

    /// Stops a running instance. Its address is kept.
    async fn stop_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().stop_instance(&call, id.0).await?.into()))
    }

    /// Replaces the pods of a running instance.
    async fn restart_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().restart_instance(&call, id.0).await?.into()))
    }

    /// Gives an instance another specification; its pods are replaced one by one, and the old
    /// ones stay until the new ones run. A stopped one takes it on when it starts, without a
    /// workflow now.
    async fn update_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "What changes; what is absent stays.")] input: UpdateInstanceInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().update_instance(&call, id.0, input.into()).await?.into()))
    }

    /// Deletes an instance, whatever it is doing: what runs is cancelled, and the deletion waits
    /// for it.
    async fn delete_instance(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The instance.")] id: Id<InstanceId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<InstancePayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().delete_instance(&call, id.0).await?.into()))
    }
}
