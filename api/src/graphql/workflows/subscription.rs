use std::sync::Arc;

use async_graphql::{Context, SimpleObject, Subscription};
use domain::{
    events::{EventFilter, EventType},
    ids::{DeploymentId, TaskId, WorkflowId},
    workflows,
};
use serde::Deserialize;

use super::{
    task::{Task, TaskStatus},
    task_log::{self, LogChunk},
    workflow::Workflow,
};
use crate::graphql::{
    context::Ctx,
    error::Result,
    events::{self, Followed, Live},
    scalars::{Cursor, DateTime, Id, Long},
};

/// A task that changed.
#[derive(SimpleObject)]
pub struct TaskChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// When it changed.
    at: DateTime,
    /// The task as it was right after the change.
    task: Task,
    /// Its status before; null where it is new.
    previous_status: Option<TaskStatus>,
}

/// A workflow that changed, or one of its tasks.
#[derive(SimpleObject)]
pub struct WorkflowChange {
    /// Resume behind this change with `after` set to it.
    cursor: Cursor,
    /// When it changed.
    at: DateTime,
    /// The workflow as it was right after the change.
    workflow: Workflow,
    /// The task that changed; null where the workflow itself did.
    task: Option<Task>,
}

#[derive(Default)]
pub struct WorkflowSubscription;

#[Subscription]
impl WorkflowSubscription {
    /// The live graph of one workflow: its own changes and those of its tasks. It goes on after
    /// the end, since a retry may revive the workflow.
    async fn workflow_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The workflow.")] id: Id<WorkflowId>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<WorkflowChange>> {
        let filter = EventFilter {
            types: Some(vec![EventType::WorkflowChanged, EventType::TaskChanged]),
            about: Some(id.0.to_string()),
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, workflow_change).await
    }

    /// The log of a task as it is written, attempt by attempt. Resume with the `attempt` and the
    /// `nextOffset` of the last piece.
    async fn task_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The task.")] task_id: Id<TaskId>,
        #[graphql(desc = "Only this attempt; the current one and those that follow where absent.")]
        attempt: Option<i32>,
        #[graphql(
            desc = "The byte of the first attempt to begin at.",
            default_with = "Some(Long(0))"
        )]
        from_offset: Option<Long>,
    ) -> Result<Live<LogChunk>> {
        let from = task_log::offset(from_offset)?;
        task_log::follow(ctx, task_id.0, attempt, from).await
    }

    /// Changes of tasks: of one, of a workflow's, of a deployment's, or of all that the caller may
    /// see.
    async fn task_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only tasks of this workflow.")] workflow_id: Option<Id<WorkflowId>>,
        #[graphql(desc = "Only tasks of this deployment.")] deployment_id: Option<Id<DeploymentId>>,
        #[graphql(desc = "Only this task.")] task_id: Option<Id<TaskId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<TaskChange>> {
        let of_deployment = match deployment_id {
            Some(id) => Some(ctx.control_plane().lead_of_deployment(ctx.call(), id.0).await?),
            None => None,
        };
        let filter = EventFilter {
            types: Some(vec![EventType::TaskChanged]),
            subject_id: task_id.map(|id| id.0.to_string()),
            parent_id: workflow_id.map(|id| id.0.to_string()),
            about: of_deployment,
            ..EventFilter::default()
        };
        events::follow(ctx, filter, after, task_change).await
    }
}

/// What the event of a task carries.
#[derive(Deserialize)]
struct TaskImage {
    #[serde(flatten)]
    task: workflows::Task,
    workflow: workflows::Workflow,
}

fn workflow_change(event: &Arc<domain::events::Event>) -> Result<Followed<WorkflowChange>> {
    let (workflow, task) = if event.event_type == EventType::TaskChanged {
        let TaskImage { task, workflow } = events::image(event)?;
        (workflow, Some(Task(task)))
    } else {
        (events::image(event)?, None)
    };
    let (cursor, at) = (events::cursor(event), DateTime(event.at));
    Ok(Some(WorkflowChange { cursor, at, workflow: Workflow(workflow), task }))
}

fn task_change(event: &Arc<domain::events::Event>) -> Result<Followed<TaskChange>> {
    let TaskImage { task, .. } = events::image(event)?;
    let previous = event.previous.as_deref().and_then(workflows::TaskStatus::parse);
    let (cursor, at) = (events::cursor(event), DateTime(event.at));
    let previous_status = previous.map(Into::into);
    Ok(Some(TaskChange { cursor, at, task: Task(task), previous_status }))
}
