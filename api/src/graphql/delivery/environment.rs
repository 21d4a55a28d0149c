use async_graphql::{Context, Enum, ID, Object};
use domain::delivery;

use crate::graphql::{
    context::Ctx,
    error::Result,
    identity::Tenant,
    loaders::must,
    scalars::{DateTime, id, time},
    secret::SecretInfo,
};

pub struct Environment(pub delivery::Environment);

/// Where applications run.
#[Object]
impl Environment {
    /// Opaque; begins with `env_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The tenant that it belongs to.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// Its name, unique in the tenant.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// What it is made of.
    #[graphql(name = "type")]
    async fn kind(&self) -> EnvironmentType {
        self.0.kind.into()
    }
    /// Whether it takes deployments.
    async fn is_active(&self) -> bool {
        self.0.is_active
    }
    /// What people call its cluster. Which one it is, the kubeconfig says; without one it is the
    /// platform's own.
    async fn cluster(&self) -> Option<&str> {
        self.0.cluster.as_deref()
    }
    /// Its namespace in the cluster. On the platform's own cluster it is the tenant's alone.
    async fn namespace(&self) -> Option<&str> {
        self.0.namespace.as_deref()
    }
    /// Whether it has a kubeconfig. It is never read back.
    async fn kubeconfig(&self, ctx: &Context<'_>) -> Result<Option<SecretInfo>> {
        Ok(Some(ctx.loaders().secrets.load_one(self.0.id.to_string()).await?.into()))
    }
    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
    /// When it was deleted; null while it lives.
    async fn deleted_at(&self) -> Option<DateTime> {
        time(self.0.deleted_at)
    }
}

/// What an environment is made of.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "delivery::EnvironmentType")]
pub enum EnvironmentType {
    /// A namespace of a Kubernetes cluster.
    Kubernetes,
    /// Hosts of one's own. It takes no deployments.
    Physical,
}

impl From<delivery::Environment> for Environment {
    fn from(environment: delivery::Environment) -> Self {
        Self(environment)
    }
}
