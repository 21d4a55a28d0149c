use async_graphql::{Context, Object, SimpleObject};
use domain::{
    Committed,
    ids::{TaskId, WorkflowId},
    workflows,
};

use super::{task::Task, workflow::Workflow};
use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{Cursor, Id},
};

/// A changed workflow.
#[derive(SimpleObject)]
pub struct WorkflowPayload {
    /// The safe position just before the effect: a subscription from it shows the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The workflow as it is now.
    workflow: Workflow,
}

impl From<Committed<workflows::Workflow>> for WorkflowPayload {
    fn from(committed: Committed<workflows::Workflow>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, workflow: Workflow(entity) }
    }
}

/// A changed task.
#[derive(SimpleObject)]
pub struct TaskPayload {
    /// The safe position just before the effect: a subscription from it shows the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The task as it is now.
    task: Task,
}

impl From<Committed<workflows::Task>> for TaskPayload {
    fn from(committed: Committed<workflows::Task>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, task: Task(entity) }
    }
}

#[derive(Default)]
pub struct WorkflowMutation;

#[Object]
impl WorkflowMutation {
    /// Stops a workflow: what has not begun is cancelled at once, what runs when it reports, and
    /// a creation removes what it made. INVALID_TRANSITION for one that has ended; CONFLICT for
    /// a deletion, which goes on.
    async fn cancel_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workflow.")] id: Id<WorkflowId>,
        #[graphql(desc = "Why, for the record.")] reason: Option<String>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<WorkflowPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().cancel_workflow(&call, id.0, reason).await?.into()))
    }

    /// Tries a failed task again, with what was cancelled because of it. Its earlier attempts
    /// are kept. INVALID_TRANSITION for one that has not failed, or whose workflow has removed
    /// what it made.
    async fn retry_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] id: Id<TaskId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<TaskPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().retry_task(&call, id.0).await?.into()))
    }

    /// Tries all failed tasks of a workflow again, with what was cancelled because of them.
    async fn retry_failed_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workflow.")] workflow_id: Id<WorkflowId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<WorkflowPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().retry_failed_tasks(&call, workflow_id.0).await?.into()))
    }
}
