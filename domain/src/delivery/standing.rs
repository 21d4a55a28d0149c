use super::{Environment, Release};
use crate::{
    identity::Tenant,
    ids::{ApplicationId, DeploymentId, EnvironmentId, TenantId, VersionId},
};

/// What of an application stands in an environment, and what it is called there: a name that stays
/// when the application is called otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    pub application_id: ApplicationId,
    pub environment_id: EnvironmentId,
    pub tenant_id: TenantId,
    /// The API server, empty for the platform's own; with namespace and name, the place that no
    /// other application of the tenant may take.
    pub server: String,
    pub namespace: String,
    pub name: String,
    /// The last deployment whose turn it was, or the first that was asked for.
    pub deployment_id: DeploymentId,
    /// What has the traffic, as the last deployment that came so far left it.
    pub release: Option<Release>,
}

/// An image that was built of a version, to be used again.
#[derive(Clone, Debug, PartialEq)]
pub struct BuiltImage {
    pub application_id: ApplicationId,
    pub version_id: VersionId,
    /// What it was built by: another recipe makes another image.
    pub recipe: String,
    /// With its digest.
    pub image: String,
}

impl Standing {
    /// Whether the environment still means the place that it stands in.
    pub fn is_in(&self, environment: &Environment, tenant: &Tenant) -> bool {
        self.server == environment.server.as_deref().unwrap_or_default()
            && self.namespace == environment.real_namespace(tenant)
    }
}
