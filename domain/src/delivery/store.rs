use async_trait::async_trait;

use super::{
    Application, ApplicationFilter, BuiltImage, Deployment, DeploymentFilter, Environment,
    EnvironmentFilter, Standing, Version, VersionFilter,
};
use crate::{
    error::Result,
    ids::{ApplicationId, DeploymentId, EnvironmentId, TenantId, VersionId},
    page::{Page, PageRequest},
};

#[async_trait]
pub trait DeliveryReads {
    async fn versions_by_id(&mut self, ids: &[VersionId]) -> Result<Vec<Version>>;
    async fn versions(
        &mut self,
        filter: &VersionFilter,
        page: &PageRequest,
    ) -> Result<Page<Version>>;
    async fn applications_by_id(&mut self, ids: &[ApplicationId]) -> Result<Vec<Application>>;
    async fn applications(
        &mut self,
        filter: &ApplicationFilter,
        page: &PageRequest,
    ) -> Result<Page<Application>>;
    async fn environments_by_id(&mut self, ids: &[EnvironmentId]) -> Result<Vec<Environment>>;
    async fn environments(
        &mut self,
        filter: &EnvironmentFilter,
        page: &PageRequest,
    ) -> Result<Page<Environment>>;
    async fn deployments_by_id(&mut self, ids: &[DeploymentId]) -> Result<Vec<Deployment>>;
    async fn deployments(
        &mut self,
        filter: &DeploymentFilter,
        page: &PageRequest,
    ) -> Result<Page<Deployment>>;

    /// The living version of a tag, if there is one. So for the names that follow.
    async fn version_of_tag(
        &mut self,
        tenant: TenantId,
        repository: &str,
        tag: &str,
    ) -> Result<Option<VersionId>>;
    async fn application_named(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<ApplicationId>>;
    async fn environment_named(
        &mut self,
        tenant: TenantId,
        name: &str,
    ) -> Result<Option<EnvironmentId>>;

    /// A deployment of this version, application or environment that has not ended.
    async fn live_deployment_of(&mut self, used: Used) -> Result<Option<DeploymentId>>;

    /// The newest living version, other than that of `before`, that was rolled out with success
    /// to all its applications in its environment, by a deployment that is older than it.
    async fn last_success(&mut self, before: &Deployment) -> Result<Option<VersionId>>;

    /// What stands of these applications, of those that do.
    async fn standings(
        &mut self,
        environment: EnvironmentId,
        applications: &[ApplicationId],
    ) -> Result<Vec<Standing>>;
    async fn built_image(
        &mut self,
        application: ApplicationId,
        version: VersionId,
    ) -> Result<Option<BuiltImage>>;
}

/// What a deployment uses.
#[derive(Clone, Copy, Debug)]
pub enum Used {
    Version(VersionId),
    Application(ApplicationId),
    Environment(EnvironmentId),
}

#[async_trait]
pub trait DeliveryWrites {
    async fn insert_version(&mut self, version: &Version) -> Result<()>;
    async fn update_version(&mut self, version: &Version) -> Result<()>;
    async fn insert_application(&mut self, application: &Application) -> Result<()>;
    async fn update_application(&mut self, application: &Application) -> Result<()>;
    async fn insert_environment(&mut self, environment: &Environment) -> Result<()>;
    async fn update_environment(&mut self, environment: &Environment) -> Result<()>;
    async fn insert_deployment(&mut self, deployment: &Deployment) -> Result<()>;
    async fn update_deployment(&mut self, deployment: &Deployment) -> Result<()>;

    /// Notes what stands; `false` where another application has the place.
    async fn save_standing(&mut self, standing: &Standing) -> Result<bool>;
    /// Forgets what stands of an application.
    async fn delete_standings_of(&mut self, application: ApplicationId) -> Result<()>;
    /// Forgets what stands in an environment.
    async fn delete_standings_in(&mut self, environment: EnvironmentId) -> Result<()>;
    async fn save_built_image(&mut self, image: &BuiltImage) -> Result<()>;
}
