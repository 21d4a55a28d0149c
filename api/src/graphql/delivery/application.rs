use async_graphql::{Context, ID, Object};
use domain::delivery;

use crate::graphql::{
    context::Ctx,
    error::Result,
    identity::Tenant,
    loaders::must,
    scalars::{DateTime, Json, id, time},
    secret::SecretInfo,
};

pub struct Application(pub delivery::Application);

/// A thing that is built and run.
#[Object]
impl Application {
    /// Opaque; begins with `app_`.
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
    /// Where its source is.
    async fn repository(&self) -> &str {
        &self.0.repository
    }
    /// What its people call its kind, such as `microservice`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }
    /// How it is built, tested and run, as it was written.
    async fn config(&self) -> Json {
        Json(self.0.config.clone())
    }
    /// Whether it has secrets: credentials for its repository and its images, and environment
    /// variables of its own. They are never read back.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Option<SecretInfo>> {
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

impl From<delivery::Application> for Application {
    fn from(application: delivery::Application) -> Self {
        Self(application)
    }
}
