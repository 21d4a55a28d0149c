use async_graphql::{InputObject, MaybeUndefined};
use base64::{Engine, prelude::BASE64_STANDARD};
use domain::{
    delivery::{self, DeploymentStrategy as Strategy},
    ids::{ApplicationId, EnvironmentId, TenantId, VersionId},
};
use serde_json::json;

use super::{
    deployment::{DeploymentStatus, DeploymentStrategy},
    environment::EnvironmentType,
};
use crate::graphql::scalars::{Id, Json};

/// A new version.
#[derive(InputObject)]
pub struct CreateVersionInput {
    /// For whom; the caller's personal tenant where absent.
    tenant_id: Option<Id<TenantId>>,
    /// Its tag, unique for the repository, such as `v1.0.0`.
    git_tag: String,
    /// The commit: 7 to 64 hexadecimal digits.
    git_commit: String,
    /// An address like `https://git.example.com/acme/api`, without user and password.
    repository: String,
    /// Up to 2000 characters.
    description: Option<String>,
}

impl From<CreateVersionInput> for delivery::NewVersion {
    fn from(input: CreateVersionInput) -> Self {
        let CreateVersionInput { tenant_id, git_tag, git_commit, repository, description } = input;
        let tenant_id = tenant_id.map(|id| id.0);
        Self { tenant_id, git_tag, git_commit, repository, description }
    }
}

/// A new application.
#[derive(InputObject)]
pub struct CreateApplicationInput {
    /// For whom; the caller's personal tenant where absent.
    tenant_id: Option<Id<TenantId>>,
    /// 1 to 40 lower-case letters, digits and hyphens, a letter first; unique in the tenant.
    name: String,
    /// An address like `https://git.example.com/acme/api`, without user and password, or like
    /// `ssh://git@git.example.com/acme/api`.
    repository: String,
    /// What its people call its kind, such as `microservice`.
    #[graphql(name = "type")]
    kind: String,
    /// How it is built, tested and run: `image` (runs as it is, nothing is built), `dockerfile`,
    /// `context`, `buildArgs`, `port`, `testCommand`, `coverageThreshold`, `replicas`,
    /// `maxUnavailable`, `healthCheck` (`path`, `expectedStatus`, `intervalSeconds`,
    /// `timeoutSeconds`) and `cleanupDelaySeconds`, each with a default. Other keys are kept and
    /// mean nothing.
    config: Json,
    /// Texts by name, 64 KiB at most: `GIT_USERNAME` and `GIT_TOKEN`, or `GIT_SSH_KEY`, for the
    /// repository, `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` for images; what else there is, the
    /// application has in its environment. They are never read back.
    secrets: Option<Json>,
}

impl From<CreateApplicationInput> for delivery::NewApplication {
    fn from(input: CreateApplicationInput) -> Self {
        let CreateApplicationInput { tenant_id, name, repository, kind, config, secrets } = input;
        Self {
            tenant_id: tenant_id.map(|id| id.0),
            name,
            repository,
            kind,
            config: config.0,
            secrets: secrets.map(|secrets| secrets.0),
        }
    }
}

/// What changes of an application; what is absent stays, null clears.
#[derive(InputObject)]
pub struct UpdateApplicationInput {
    /// 1 to 40 lower-case letters, digits and hyphens, a letter first. What stands in a cluster
    /// keeps the name that it has there.
    name: Option<String>,
    /// What its people call its kind.
    #[graphql(name = "type")]
    kind: Option<String>,
    /// How it is built, tested and run, all of it; null goes back to the defaults.
    config: MaybeUndefined<Json>,
    /// The secrets, all of them; null takes them away.
    secrets: MaybeUndefined<Json>,
}

impl From<UpdateApplicationInput> for delivery::ApplicationChange {
    fn from(input: UpdateApplicationInput) -> Self {
        let UpdateApplicationInput { name, kind, config, secrets } = input;
        let config = cleared(config).map(|config| config.map_or_else(|| json!({}), |it| it.0));
        let secrets = cleared(secrets).map(|secrets| secrets.map(|it| it.0));
        Self { name, kind, config, secrets }
    }
}

/// A new environment.
#[derive(InputObject)]
pub struct CreateEnvironmentInput {
    /// For whom; the caller's personal tenant where absent.
    tenant_id: Option<Id<TenantId>>,
    /// 1 to 40 lower-case letters, digits and hyphens; unique in the tenant.
    name: String,
    /// What it is made of.
    #[graphql(name = "type")]
    kind: EnvironmentType,
    /// What people call its cluster.
    cluster: Option<String>,
    /// Its namespace; called like the environment where absent. On the platform's own cluster it
    /// shares its 63 characters with the tenant's name.
    namespace: Option<String>,
    /// The cluster, in YAML or JSON, plain or in base64; the platform's own where absent. It may
    /// neither run programs nor name files, and is never read back.
    kubeconfig: Option<String>,
    /// Whether it takes deployments; it does where absent.
    is_active: Option<bool>,
}

impl From<CreateEnvironmentInput> for delivery::NewEnvironment {
    fn from(input: CreateEnvironmentInput) -> Self {
        let CreateEnvironmentInput {
            tenant_id,
            name,
            kind,
            cluster,
            namespace,
            kubeconfig,
            is_active,
        } = input;
        Self {
            tenant_id: tenant_id.map(|id| id.0),
            name,
            kind: kind.into(),
            cluster,
            namespace,
            kubeconfig: kubeconfig.map(plain),
            is_active,
        }
    }
}

/// What changes of an environment; what is absent stays, null clears.
#[derive(InputObject)]
pub struct UpdateEnvironmentInput {
    /// 1 to 40 lower-case letters, digits and hyphens.
    name: Option<String>,
    /// What it is made of.
    #[graphql(name = "type")]
    kind: Option<EnvironmentType>,
    /// What people call its cluster.
    cluster: MaybeUndefined<String>,
    /// Its namespace; null calls it like the environment.
    namespace: MaybeUndefined<String>,
    /// The cluster; null means the platform's own.
    kubeconfig: MaybeUndefined<String>,
    /// Whether it takes deployments.
    is_active: Option<bool>,
}

impl From<UpdateEnvironmentInput> for delivery::EnvironmentChange {
    fn from(input: UpdateEnvironmentInput) -> Self {
        let UpdateEnvironmentInput { name, kind, cluster, namespace, kubeconfig, is_active } =
            input;
        Self {
            name,
            kind: kind.map(Into::into),
            cluster: cleared(cluster),
            namespace: cleared(namespace),
            kubeconfig: cleared(kubeconfig).map(|text| text.map(plain)),
            is_active,
        }
    }
}

/// A new deployment.
#[derive(InputObject)]
pub struct CreateDeploymentInput {
    /// What to roll out.
    version_id: Id<VersionId>,
    /// What of it: 1 to 20 applications.
    application_ids: Vec<Id<ApplicationId>>,
    /// Where to.
    environment_id: Id<EnvironmentId>,
    /// How; ROLLING where absent.
    strategy: Option<DeploymentStrategy>,
}

impl From<CreateDeploymentInput> for delivery::NewDeployment {
    fn from(input: CreateDeploymentInput) -> Self {
        let CreateDeploymentInput { version_id, application_ids, environment_id, strategy } = input;
        Self {
            version_id: version_id.0,
            application_ids: application_ids.into_iter().map(|id| id.0).collect(),
            environment_id: environment_id.0,
            strategy: strategy.map_or(Strategy::Rolling, Into::into),
        }
    }
}

/// Narrows a list of versions; what is absent does not.
#[derive(InputObject)]
pub struct VersionFilter {
    /// Of this repository.
    repository: Option<String>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
    /// Deleted ones too.
    #[graphql(default)]
    include_deleted: bool,
}

impl From<VersionFilter> for delivery::VersionFilter {
    fn from(filter: VersionFilter) -> Self {
        let VersionFilter { repository, tenant_id, include_deleted } = filter;
        let tenant_id = tenant_id.map(|id| id.0);
        Self { repository, tenant_id, deleted: include_deleted, visible: None }
    }
}

/// Narrows a list of applications; what is absent does not.
#[derive(InputObject)]
pub struct ApplicationFilter {
    /// Of this repository.
    repository: Option<String>,
    /// Of this type.
    #[graphql(name = "type")]
    kind: Option<String>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
    /// Deleted ones too.
    #[graphql(default)]
    include_deleted: bool,
}

impl From<ApplicationFilter> for delivery::ApplicationFilter {
    fn from(filter: ApplicationFilter) -> Self {
        let ApplicationFilter { repository, kind, tenant_id, include_deleted } = filter;
        let tenant_id = tenant_id.map(|id| id.0);
        Self { repository, kind, tenant_id, deleted: include_deleted, visible: None }
    }
}

/// Narrows a list of environments; what is absent does not.
#[derive(InputObject)]
pub struct EnvironmentFilter {
    /// Of this type.
    #[graphql(name = "type")]
    kind: Option<EnvironmentType>,
    /// Whether they take deployments.
    is_active: Option<bool>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
    /// Deleted ones too.
    #[graphql(default)]
    include_deleted: bool,
}

impl From<EnvironmentFilter> for delivery::EnvironmentFilter {
    fn from(filter: EnvironmentFilter) -> Self {
        let EnvironmentFilter { kind, is_active, tenant_id, include_deleted } = filter;
        Self {
            kind: kind.map(Into::into),
            is_active,
            tenant_id: tenant_id.map(|id| id.0),
            deleted: include_deleted,
            visible: None,
        }
    }
}

/// Narrows a list of deployments; what is absent does not.
#[derive(InputObject)]
pub struct DeploymentFilter {
    /// Any of these.
    status: Option<Vec<DeploymentStatus>>,
    /// To this environment.
    environment_id: Option<Id<EnvironmentId>>,
    /// Of this version.
    version_id: Option<Id<VersionId>>,
    /// Of this tenant.
    tenant_id: Option<Id<TenantId>>,
}

impl From<DeploymentFilter> for delivery::DeploymentFilter {
    fn from(filter: DeploymentFilter) -> Self {
        let DeploymentFilter { status, environment_id, version_id, tenant_id } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            environment_id: environment_id.map(|id| id.0),
            version_id: version_id.map(|id| id.0),
            tenant_id: tenant_id.map(|id| id.0),
            visible: None,
        }
    }
}

fn cleared<T>(given: MaybeUndefined<T>) -> Option<Option<T>> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}

/// A kubeconfig that is text once its base64, if it is in any, is taken off: no kubeconfig is
/// base64 by itself.
fn plain(given: String) -> String {
    let packed: String = given.split_ascii_whitespace().collect();
    let text = BASE64_STANDARD.decode(packed).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.filter(|text| !text.is_empty()).unwrap_or(given)
}
