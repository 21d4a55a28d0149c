use async_graphql::{Context, ID, Object};
use domain::delivery;

use crate::graphql::{
    context::Ctx,
    error::Result,
    identity::{Tenant, User},
    loaders::must,
    scalars::{DateTime, id, time},
};

pub struct Version(pub delivery::Version);

/// A commit of a repository that can be rolled out. It never changes.
#[Object]
impl Version {
    /// Opaque; begins with `ver_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The tenant that it belongs to.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// Its tag, such as `v1.0.0`.
    async fn git_tag(&self) -> &str {
        &self.0.git_tag
    }
    /// The commit that is built, in hexadecimal digits.
    async fn git_commit(&self) -> &str {
        &self.0.git_commit
    }
    /// Where the commit is found.
    async fn repository(&self) -> &str {
        &self.0.repository
    }
    /// What people should know of it.
    async fn description(&self) -> &str {
        &self.0.description
    }
    /// Who registered it.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User::from(must(&ctx.loaders().users, self.0.created_by).await?))
    }
    /// When it was registered.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was deleted; null while it lives.
    async fn deleted_at(&self) -> Option<DateTime> {
        time(self.0.deleted_at)
    }
}

impl From<delivery::Version> for Version {
    fn from(version: delivery::Version) -> Self {
        Self(version)
    }
}
