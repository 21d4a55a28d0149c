use async_graphql::{Context, ID, Object, SimpleObject};
use domain::{
    Committed, delivery,
    ids::{ApplicationId, DeploymentId, EnvironmentId, VersionId},
    work::Entity,
};

use super::{
    application::Application,
    deployment::Deployment,
    environment::Environment,
    inputs::{
        CreateApplicationInput, CreateDeploymentInput, CreateEnvironmentInput, CreateVersionInput,
        UpdateApplicationInput, UpdateEnvironmentInput,
    },
    version::Version,
};
use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{Cursor, Id, id},
    workflows::Workflow,
};

/// A changed version.
#[derive(SimpleObject)]
pub struct VersionPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The version as it is now.
    version: Version,
}

impl From<Committed<delivery::Version>> for VersionPayload {
    fn from(committed: Committed<delivery::Version>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, version: Version(entity) }
    }
}

/// A changed application.
#[derive(SimpleObject)]
pub struct ApplicationPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The application as it is now.
    application: Application,
}

impl From<Committed<delivery::Application>> for ApplicationPayload {
    fn from(committed: Committed<delivery::Application>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, application: Application(entity) }
    }
}

/// A changed environment.
#[derive(SimpleObject)]
pub struct EnvironmentPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The environment as it is now.
    environment: Environment,
}

impl From<Committed<delivery::Environment>> for EnvironmentPayload {
    fn from(committed: Committed<delivery::Environment>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, environment: Environment(entity) }
    }
}

/// A changed deployment.
#[derive(SimpleObject)]
pub struct DeploymentPayload {
    /// The safe position just before the effect: a subscription from it shows the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The deployment as it is now.
    deployment: Deployment,
    /// The workflow that the mutation started, if it started one.
    workflow: Option<Workflow>,
}

impl From<Committed<delivery::Deployment>> for DeploymentPayload {
    fn from(committed: Committed<delivery::Deployment>) -> Self {
        let Committed { cursor, replayed, entity, workflow } = committed;
        let workflow = workflow.map(Workflow);
        Self { cursor: Cursor(cursor), replayed, deployment: Deployment(entity), workflow }
    }
}

/// Something that was deleted. It is still found by `node(id:)`.
#[derive(SimpleObject)]
pub struct DeletedPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// What was deleted.
    id: ID,
}

impl<T: Entity> From<Committed<T>> for DeletedPayload {
    fn from(committed: Committed<T>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, id: id(entity.id()) }
    }
}

#[derive(Default)]
pub struct DeliveryMutation;

#[Object]
impl DeliveryMutation {
    /// Registers a version. ALREADY_EXISTS where the tenant has one of that tag and repository.
    async fn create_version(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new version.")] input: CreateVersionInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<VersionPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_version(&call, input.into()).await?.into()))
    }

    /// Deletes a version. CONFLICT while a deployment of it has not ended.
    async fn delete_version(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The version.")] id: Id<VersionId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DeletedPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().delete_version(&call, id.0).await?.into()))
    }

    /// Makes an application. ALREADY_EXISTS where the tenant has one of that name.
    async fn create_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new application.")] input: CreateApplicationInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ApplicationPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_application(&call, input.into()).await?.into()))
    }

    /// Changes an application for deployments that have not begun and tasks that are tried again.
    async fn update_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The application.")] id: Id<ApplicationId>,
        #[graphql(desc = "What changes; what is absent stays.")] input: UpdateApplicationInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ApplicationPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().update_application(&call, id.0, input.into()).await?.into()))
    }

    /// Deletes an application. What stands of it in clusters stays. CONFLICT while a deployment of
    /// it has not ended.
    async fn delete_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The application.")] id: Id<ApplicationId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DeletedPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().delete_application(&call, id.0).await?.into()))
    }

    /// Makes an environment. ALREADY_EXISTS where the tenant has one of that name; INVALID where
    /// the kubeconfig could run a program or read a file.
    async fn create_environment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new environment.")] input: CreateEnvironmentInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<EnvironmentPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_environment(&call, input.into()).await?.into()))
    }

    /// Changes an environment. Another cluster, namespace or type is a CONFLICT while a deployment
    /// to it has not ended; other credentials for the same cluster hold at once.
    async fn update_environment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The environment.")] id: Id<EnvironmentId>,
        #[graphql(desc = "What changes; what is absent stays.")] input: UpdateEnvironmentInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<EnvironmentPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().update_environment(&call, id.0, input.into()).await?.into()))
    }

    /// Deletes an environment. What stands in its cluster stays. CONFLICT while a deployment to it
    /// has not ended.
    async fn delete_environment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The environment.")] id: Id<EnvironmentId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DeletedPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().delete_environment(&call, id.0).await?.into()))
    }

    /// Rolls a version of applications out to an environment, after the deployments of the same
    /// applications to it that came before. CONFLICT where the environment is not active.
    async fn create_deployment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to roll out, where to and how.")] input: CreateDeploymentInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DeploymentPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_deployment(&call, input.into()).await?.into()))
    }

    /// Stops a deployment and takes it back: its Jobs end, and what ran before runs again. It is
    /// FAILED once that is done. INVALID_TRANSITION for one that has ended.
    async fn cancel_deployment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The deployment.")] id: Id<DeploymentId>,
        #[graphql(desc = "Why, for the record.")] reason: Option<String>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DeploymentPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().cancel_deployment(&call, id.0, reason).await?.into()))
    }

    /// Rolls the applications of a deployment back to another version, by a new deployment. What
    /// is built is not built again. CONFLICT where there is no version to go back to.
    async fn rollback_deployment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The deployment to take back.")] id: Id<DeploymentId>,
        #[graphql(
            desc = "The version to go back to; where absent, the last one before it that was rolled out with success."
        )]
        target_version_id: Option<Id<VersionId>>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<DeploymentPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(
            ctx.control_plane()
                .rollback_deployment(&call, id.0, target_version_id.map(|id| id.0))
                .await?
                .into(),
        ))
    }
}
