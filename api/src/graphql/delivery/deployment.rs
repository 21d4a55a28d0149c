use async_graphql::{Context, Enum, ID, Object};
use domain::{
    delivery,
    page::{Page, SortField},
};
use futures::future::try_join_all;

use super::{application::Application, environment::Environment, version::Version};
use crate::graphql::{
    connection::{Connection, connection, oldest_first},
    context::Ctx,
    error::Result,
    identity::{Tenant, User},
    loaders::must,
    scalars::{DateTime, id, time},
    workflows::{Task, Workflow},
};

pub struct Deployment(pub delivery::Deployment);

/// Rolling a version of applications out to an environment.
#[Object]
impl Deployment {
    /// Opaque; begins with `dep_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The tenant that it belongs to.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// What is rolled out.
    async fn version(&self, ctx: &Context<'_>) -> Result<Version> {
        Ok(Version(must(&ctx.loaders().versions, self.0.version_id).await?))
    }
    /// What it is rolled out of, in the order that was asked for.
    async fn applications(&self, ctx: &Context<'_>) -> Result<Vec<Application>> {
        let loader = &ctx.loaders().applications;
        let found = self.0.application_ids().into_iter().map(|id| must(loader, id));
        Ok(try_join_all(found).await?.into_iter().map(Application).collect())
    }
    /// Where it is rolled out to.
    async fn environment(&self, ctx: &Context<'_>) -> Result<Environment> {
        Ok(Environment(must(&ctx.loaders().environments, self.0.environment_id).await?))
    }
    /// How it is rolled out.
    async fn strategy(&self) -> DeploymentStrategy {
        self.0.strategy.into()
    }
    /// How far it has come.
    async fn status(&self) -> DeploymentStatus {
        self.0.status.into()
    }
    /// Why it failed, as a program understands it.
    async fn failure_reason(&self) -> Option<DeploymentFailure> {
        self.0.failure.map(Into::into)
    }
    /// Why it failed; empty while it has not.
    async fn error_message(&self) -> &str {
        &self.0.error_message
    }
    /// The deployment that this one takes back.
    async fn rollback_of(&self, ctx: &Context<'_>) -> Result<Option<Deployment>> {
        let Some(id) = self.0.rollback_of else { return Ok(None) };
        Ok(Some(Deployment(must(&ctx.loaders().deployments, id).await?)))
    }
    /// The workflow that does it.
    async fn workflow(&self, ctx: &Context<'_>) -> Result<Workflow> {
        Ok(Workflow(must(&ctx.loaders().workflows, self.0.workflow_id).await?))
    }
    /// Its tasks, in the order of the plan.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Task>> {
        let page = oldest_first(ctx, first, after)?;
        let tasks = ctx.loaders().tasks_of_workflow.load_one(self.0.workflow_id).await?;
        let key = |task: &domain::workflows::Task| task.page_key(SortField::CreatedAt);
        Ok(connection(Page::cut(tasks.unwrap_or_default(), &page, key), key))
    }
    /// Who asked for it.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User::from(must(&ctx.loaders().users, self.0.created_by).await?))
    }
    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
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

/// How a version is rolled out.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "delivery::DeploymentStrategy")]
pub enum DeploymentStrategy {
    /// Replica by replica, in the place of what runs.
    Rolling,
    /// Beside what runs; then the traffic is switched over at once.
    BlueGreen,
}

/// How far a deployment has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "delivery::DeploymentStatus")]
pub enum DeploymentStatus {
    /// Nothing of it has started; it may be waiting for another one.
    Pending,
    /// Some of it has started and can go on, or is being taken back.
    Running,
    /// All of it succeeded.
    Success,
    /// A task failed and none can go on, or it was cancelled and taken back.
    Failed,
}

/// Why a deployment failed.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "delivery::DeploymentFailure")]
pub enum DeploymentFailure {
    /// A task failed.
    TaskFailed,
    /// Somebody cancelled it.
    CanceledByUser,
    /// The time of a task was up.
    Timeout,
}

impl From<delivery::Deployment> for Deployment {
    fn from(deployment: delivery::Deployment) -> Self {
        Self(deployment)
    }
}
