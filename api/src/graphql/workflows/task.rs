use async_graphql::{Context, Enum, ID, Object, SimpleObject};
use domain::{ids::DeploymentId, secrets, workflows};

use super::{
    task_log::{self, LOG_LIMIT, LogChunk},
    workflow::Workflow,
};
use crate::graphql::{
    context::Ctx,
    delivery::Deployment,
    error::Result,
    loaders::{LogPiece, must},
    scalars::{DateTime, Json, Long, id, time},
};

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
    /// The deployment that it is a step of; null for a step of anything else.
    async fn deployment(&self, ctx: &Context<'_>) -> Result<Option<Deployment>> {
        let workflow = must(&ctx.loaders().workflows, self.0.workflow_id).await?;
        let Ok(id) = workflow.subject_id.parse::<DeploymentId>() else { return Ok(None) };
        Ok(Some(Deployment(must(&ctx.loaders().deployments, id).await?)))
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
    /// What it works on, without secrets.
    async fn payload(&self) -> Json {
        Json(secrets::shown(&self.0.payload))
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

impl From<workflows::Task> for Task {
    fn from(task: workflows::Task) -> Self {
        Self(task)
    }
}
