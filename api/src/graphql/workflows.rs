use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Subscription};
use domain::{
    Committed,
    events::{EventFilter, EventType},
    ids::{TaskId, TenantId, WorkflowId},
    page::PageKey,
    workflows::{self, Lane},
};
use serde::Deserialize;

use super::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    events::{self, Followed, Live},
    identity::Tenant,
    loaders::{LogPiece, must},
    node::{Node, node},
    scalars::{AnyId, Cursor, DateTime, Id, Json, Long, id, time},
    task_log::{self, LOG_LIMIT, LogChunk},
};

pub struct Workflow(pub workflows::Workflow);

impl Workflow {
    /// Its place in its lane; `None` where it does not wait.
    async fn lane(&self, ctx: &Context<'_>) -> Result<Option<Lane>> {
        if self.0.status != workflows::WorkflowStatus::Pending {
            return Ok(None);
        }
        let live = ctx.loaders().lanes.load_one(self.0.subject_id.clone()).await?;
        Ok(Some(Lane::of(&self.0, &live.unwrap_or_default())))
    }
}

/// One durable run of a graph of tasks.
#[Object]
impl Workflow {
    /// Opaque; begins with `wf_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The tenant that it belongs to.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// What kind of run it is, such as `provision_instance`.
    async fn kind(&self) -> &str {
        self.0.kind.as_str()
    }
    /// What it is for. One workflow at a time runs for a subject; others wait in order.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Node> {
        let missing = || domain::Error::internal("a workflow has no subject");
        let found = node(ctx, self.0.subject_id.parse()?).await?;
        Ok(found.ok_or_else(missing)?)
    }
    /// How far it has come. It ends when its compensation, if any, has ended.
    async fn status(&self) -> WorkflowStatus {
        self.0.status.into()
    }
    /// Whether it has failed or been cancelled and what it made is being removed.
    async fn compensating(&self) -> bool {
        self.0.compensating
    }
    /// Its tasks, in the order of the plan.
    async fn tasks(&self, ctx: &Context<'_>) -> Result<Vec<Task>> {
        let tasks = ctx.loaders().tasks_of_workflow.load_one(self.0.id).await?;
        Ok(tasks.unwrap_or_default().into_iter().map(Task).collect())
    }
    /// How many workflows of its subject go before it; null where it does not wait.
    async fn queue_position(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(self.lane(ctx).await?.map(|lane| lane.position))
    }
    /// The workflow that it waits for; null where it does not wait for one.
    async fn blocked_by(&self, ctx: &Context<'_>) -> Result<Option<Workflow>> {
        Ok(self.lane(ctx).await?.and_then(|lane| lane.blocked_by).map(Workflow))
    }
    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When its first task started.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }
    /// When it ended.
    async fn completed_at(&self) -> Option<DateTime> {
        time(self.0.completed_at)
    }
}

pub struct Task(pub workflows::Task);

/// One step of a workflow.
#[Object]
impl Task {
    /// Opaque; begins with `task_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The workflow that it is a step of.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Workflow> {
        Ok(Workflow(must(&ctx.loaders().workflows, self.0.workflow_id).await?))
    }
    /// Its name in the plan.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// What kind of step it is.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }
    /// How far it has come.
    async fn status(&self) -> TaskStatus {
        self.0.status.into()
    }
    /// Whether it undoes what the others made; it runs only where the workflow fails or is
    /// cancelled.
    async fn compensation(&self) -> bool {
        self.0.phase == workflows::Phase::Compensation
    }
    /// The tasks that have to succeed before it starts.
    async fn depends_on(&self, ctx: &Context<'_>) -> Result<Vec<Task>> {
        if self.0.depends_on.is_empty() {
            return Ok(Vec::new());
        }
        let siblings = ctx.loaders().tasks_of_workflow.load_one(self.0.workflow_id).await?;
        let needed = siblings.unwrap_or_default().into_iter();
        Ok(needed.filter(|task| self.0.depends_on.contains(&task.id)).map(Task).collect())
    }
    /// What it works on.
    async fn payload(&self) -> Json {
        Json(self.0.payload.clone())
    }
    /// What it came to.
    async fn result(&self) -> Option<Json> {
        self.0.result.clone().map(Json)
    }
    /// Why it failed, or why its last attempt did.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }
    /// What it waits for, while it runs and waits.
    async fn wait_reason(&self) -> Option<&str> {
        self.0.wait_reason.as_deref()
    }
    /// The number of its attempt; 0 before the first.
    async fn attempt(&self) -> i32 {
        self.0.attempt
    }
    /// All its attempts, oldest first; automatic ones count.
    async fn attempts(&self, ctx: &Context<'_>) -> Result<Vec<TaskAttempt>> {
        let attempts = ctx.loaders().attempts_of_task.load_one(self.0.id).await?;
        Ok(attempts.unwrap_or_default().into_iter().map(TaskAttempt::from).collect())
    }
    /// The log of its current attempt.
    async fn log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The byte to begin at, moved to a character's border; 0 by default.")]
        from_offset: Option<Long>,
        #[graphql(desc = "How many bytes at most: 1 to 65536, which is the default.")]
        limit: Option<i32>,
    ) -> Result<LogChunk> {
        let from = task_log::offset(from_offset)?;
        let limit = limit.map_or(LOG_LIMIT, i64::from);
        if !(1..=LOG_LIMIT).contains(&limit) {
            return Err(domain::Error::invalid("limit", "must be from 1 to 65536").into());
        }
        let piece = LogPiece { task: self.0.id, attempt: self.0.attempt, from, limit };
        let lines = ctx.loaders().logs.load_one(piece).await?.unwrap_or_default();
        Ok(LogChunk::of(self.0.id, self.0.attempt, from, limit, &lines))
    }
    /// When it fails if it has not ended.
    async fn deadline(&self) -> Option<DateTime> {
        time(self.0.deadline)
    }
    /// When it was planned.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
    /// When its first attempt started.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }
    /// When it ended.
    async fn completed_at(&self) -> Option<DateTime> {
        time(self.0.completed_at)
    }
}

/// One try of a task.
#[derive(SimpleObject)]
pub struct TaskAttempt {
    /// Counts from 1.
    number: i32,
    /// How far it has come.
    status: TaskStatus,
    /// What it came to.
    result: Option<Json>,
    /// Why it failed.
    error: Option<String>,
    /// When it started.
    started_at: DateTime,
    /// When it ended.
    completed_at: Option<DateTime>,
}

impl From<workflows::TaskAttempt> for TaskAttempt {
    fn from(attempt: workflows::TaskAttempt) -> Self {
        Self {
            number: attempt.number,
            status: attempt.status.into(),
            result: attempt.result.map(Json),
            error: attempt.error,
            started_at: DateTime(attempt.started_at),
            completed_at: time(attempt.completed_at),
        }
    }
}

/// How far a workflow has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "workflows::WorkflowStatus")]
pub enum WorkflowStatus {
    /// Nothing of it has started.
    Pending,
    /// Some of it has started.
    Running,
    /// All of it succeeded.
    Success,
    /// Something failed for good; what had to be removed is removed.
    Failed,
    /// It was cancelled; what had to be removed is removed.
    Canceled,
}

/// How far a task has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "workflows::TaskStatus")]
pub enum TaskStatus {
    /// It has not started.
    Pending,
    /// It has started; it may be waiting.
    Running,
    /// It succeeded.
    Success,
    /// It failed for good.
    Failed,
    /// It was cancelled, or a task that it depends on did not succeed.
    Canceled,
    /// It was not needed.
    Skipped,
}

/// Narrows a list of workflows; what is absent does not.
#[derive(InputObject)]
pub struct WorkflowFilter {
    /// Any of these.
    status: Option<Vec<WorkflowStatus>>,
    /// Of this kind.
    kind: Option<String>,
    /// For this subject.
    subject_id: Option<AnyId>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

/// Narrows a list of tasks; what is absent does not.
#[derive(InputObject)]
pub struct TaskFilter {
    /// Any of these.
    status: Option<Vec<TaskStatus>>,
    /// Of this type.
    #[graphql(name = "type")]
    kind: Option<String>,
    /// Of this workflow.
    workflow_id: Option<Id<WorkflowId>>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

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
pub struct WorkflowQuery;

#[Object]
impl WorkflowQuery {
    /// The workflows that the caller may see, newest first.
    async fn workflows(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            WorkflowFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Workflow>> {
        let page = request(ctx, first, after)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().workflows(ctx.call(), filter, &page).await?;
        Ok(connection(found, |workflow| PageKey::new(workflow.created_at, workflow.id)))
    }

    /// The tasks that the caller may see, newest first.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<TaskFilter>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Task>> {
        let page = request(ctx, first, after)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().tasks(ctx.call(), filter, &page).await?;
        Ok(connection(found, |task| PageKey::new(task.created_at, task.id)))
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

    /// Changes of tasks: of one, of a workflow's, or of all that the caller may see.
    async fn task_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only tasks of this workflow.")] workflow_id: Option<Id<WorkflowId>>,
        #[graphql(desc = "Only this task.")] task_id: Option<Id<TaskId>>,
        #[graphql(desc = "Begin behind this position; live changes only where absent.")]
        after: Option<Cursor>,
    ) -> Result<Live<TaskChange>> {
        let filter = EventFilter {
            types: Some(vec![EventType::TaskChanged]),
            subject_id: task_id.map(|id| id.0.to_string()),
            parent_id: workflow_id.map(|id| id.0.to_string()),
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

impl From<WorkflowFilter> for workflows::WorkflowFilter {
    fn from(filter: WorkflowFilter) -> Self {
        let WorkflowFilter { status, kind, subject_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            kind,
            subject_id: subject_id.map(|id| id.0.to_string()),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}

impl From<TaskFilter> for workflows::TaskFilter {
    fn from(filter: TaskFilter) -> Self {
        let TaskFilter { status, kind, workflow_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            kind,
            workflow_id: workflow_id.map(|id| id.0),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}

impl From<Committed<workflows::Workflow>> for WorkflowPayload {
    fn from(committed: Committed<workflows::Workflow>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, workflow: Workflow(entity) }
    }
}

impl From<Committed<workflows::Task>> for TaskPayload {
    fn from(committed: Committed<workflows::Task>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, task: Task(entity) }
    }
}

impl From<workflows::Workflow> for Workflow {
    fn from(workflow: workflows::Workflow) -> Self {
        Self(workflow)
    }
}

impl From<workflows::Task> for Task {
    fn from(task: workflows::Task) -> Self {
        Self(task)
    }
}
