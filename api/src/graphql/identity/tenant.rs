use async_graphql::{Context, Enum, ID, Object};
use domain::{clusters::ClusterFilter, identity, instances::InstanceFilter, page::PageKey};

use super::{quota::QuotaLine, user::User};
use crate::graphql::{
    clusters::Cluster,
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    instances::Instance,
    loaders::must,
    scalars::id,
};

pub struct Tenant(pub identity::Tenant);

/// An organisation that owns orders, instances and everything else.
#[Object]
impl Tenant {
    /// Opaque; begins with `ten_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The tenant's unique short name; part of its namespaces' names.
    async fn org_id(&self) -> &str {
        &self.0.org_id
    }
    /// The tenant's name for people.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// Whether it came with an account and belongs to that person.
    async fn personal(&self) -> bool {
        self.0.personal
    }
    /// Who belongs to the tenant.
    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<TenantMembership>> {
        let found = ctx.loaders().memberships_of_tenant.load_one(self.0.id).await?;
        Ok(found.unwrap_or_default().into_iter().map(TenantMembership).collect())
    }
    /// What the tenant may have and has, in every dimension.
    async fn quota(&self, ctx: &Context<'_>) -> Result<Vec<QuotaLine>> {
        let found = ctx.loaders().quota_of_tenant.load_one(self.0.id).await?;
        Ok(found.unwrap_or_default().into_iter().map(QuotaLine::from).collect())
    }
    /// The tenant's instances, newest first.
    async fn instances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Instance>> {
        let page = request(ctx, first, after)?;
        let filter = InstanceFilter { tenant_id: Some(self.0.id), ..Default::default() };
        let found = ctx.control_plane().instances(ctx.call(), filter, &page).await?;
        Ok(connection(found, |instance| PageKey::new(instance.created_at, instance.id)))
    }
    /// The tenant's clusters, newest first.
    async fn clusters(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Cluster>> {
        let page = request(ctx, first, after)?;
        let filter = ClusterFilter { tenant_id: Some(self.0.id), ..Default::default() };
        let found = ctx.control_plane().clusters(ctx.call(), filter, &page).await?;
        Ok(connection(found, |cluster| PageKey::new(cluster.created_at, cluster.id)))
    }
}

impl From<identity::Tenant> for Tenant {
    fn from(tenant: identity::Tenant) -> Self {
        Self(tenant)
    }
}

pub struct TenantMembership(pub identity::Membership);

/// One account's place in one tenant.
#[Object]
impl TenantMembership {
    /// The tenant.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// The account.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User::from(must(&ctx.loaders().users, self.0.user_id).await?))
    }
    /// What the account may do in the tenant.
    async fn role(&self) -> TenantRole {
        self.0.role.into()
    }
}

/// What an account may do in a tenant.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "identity::TenantRole")]
pub enum TenantRole {
    /// Sees and changes the tenant's rows, and changes its members.
    Owner,
    /// Sees and changes the tenant's rows.
    Member,
    /// Sees the tenant's rows.
    Viewer,
}
