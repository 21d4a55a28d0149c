use async_graphql::{Context, Enum, ID, Object};
use domain::workflows::{self, Lane};

use super::task::Task;
use crate::graphql::{
    context::Ctx,
    error::Result,
    identity::Tenant,
    loaders::must,
    node::{Node, node},
    scalars::{DateTime, id, time},
};

pub struct Workflow(pub workflows::Workflow);

impl Workflow {
    /// Its place in its lane; `None` where it does not wait.
    async fn lane(&self, ctx: &Context<'_>) -> Result<Option<Lane>> {
        if self.0.status != workflows::WorkflowStatus::Pending {
            return Ok(None);
        }
        let live = ctx.loaders().lanes.load_one(self.0.lanes.group.clone()).await?;
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
    /// What it is for. One workflow at a time runs for a subject, and one deployment for an
    /// application in an environment; others wait in order.
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
    /// How many workflows have to end before it begins; null where it does not wait.
    async fn queue_position(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        Ok(self.lane(ctx).await?.map(|lane| lane.position))
    }
    /// The last of them; null where it does not wait for one.
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

impl From<workflows::Workflow> for Workflow {
    fn from(workflow: workflows::Workflow) -> Self {
        Self(workflow)
    }
}
