use async_graphql::{Context, InputObject, Object, SimpleObject};
use domain::{
    Committed,
    identity::{self, NewTenant},
    ids::{TenantId, UserId},
    page::PageKey,
};

use super::{
    quota::QuotaLimitInput,
    tenant::{Tenant, TenantRole},
};
use crate::graphql::{
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    scalars::{Cursor, Id},
};

/// A new or changed tenant.
#[derive(SimpleObject)]
pub struct TenantPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The tenant as it is now.
    tenant: Tenant,
}

impl From<Committed<identity::Tenant>> for TenantPayload {
    fn from(committed: Committed<identity::Tenant>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, tenant: Tenant(entity) }
    }
}

/// A new tenant.
#[derive(InputObject)]
pub struct CreateTenantInput {
    /// Unique, and part of its namespaces' names: 1 to 30 lower-case letters, digits or hyphens,
    /// neither beginning nor ending with a hyphen, without two in a row, and not beginning with
    /// `personal`.
    org_id: String,
    /// The tenant's name for people: 1 to 80 characters.
    name: String,
}

impl From<CreateTenantInput> for NewTenant {
    fn from(input: CreateTenantInput) -> Self {
        let CreateTenantInput { org_id, name } = input;
        Self { org_id, name }
    }
}

#[derive(Default)]
pub struct TenantQuery;

#[Object]
impl TenantQuery {
    /// The tenants that the caller may see, newest first: those that the account belongs to, and
    /// all for administrators.
    async fn tenants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Tenant>> {
        let page = request(ctx, first, after)?;
        let found = ctx.control_plane().tenants(ctx.call(), &page).await?;
        Ok(connection(found, |tenant| PageKey::new(tenant.created_at, tenant.id)))
    }
}

#[derive(Default)]
pub struct TenantMutation;

#[Object]
impl TenantMutation {
    /// Opens a tenant; the caller becomes its OWNER. ALREADY_EXISTS where the org id is taken.
    async fn create_tenant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new tenant.")] input: CreateTenantInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<TenantPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().create_tenant(&call, input.into()).await?.into()))
    }

    /// Gives an account a role in a tenant, whether it had one there or not. For owners. CONFLICT
    /// where it would leave the tenant without an OWNER, or a personal tenant with another one.
    async fn set_tenant_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tenant.")] tenant_id: Id<TenantId>,
        #[graphql(desc = "The address of the account.")] email: String,
        #[graphql(desc = "What the account may do in the tenant from now on.")] role: TenantRole,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<TenantPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let changed =
            ctx.control_plane().set_tenant_member(&call, tenant_id.0, &email, role.into()).await?;
        Ok(Some(changed.into()))
    }

    /// Sets limits of a tenant's quota, also below what it takes already; dimensions that are not
    /// named keep theirs. For administrators.
    async fn set_tenant_quota(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tenant.")] tenant_id: Id<TenantId>,
        #[graphql(desc = "The limits; each dimension once at most.")] limits: Vec<QuotaLimitInput>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<TenantPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let limits: Vec<_> = limits.into_iter().map(Into::into).collect();
        let changed = ctx.control_plane().set_tenant_quota(&call, tenant_id.0, &limits).await?;
        Ok(Some(changed.into()))
    }

    /// Takes an account's role in a tenant away; within 5 s its open streams end. For owners, and
    /// for everybody who leaves. CONFLICT where it would leave the tenant without an OWNER.
    async fn remove_tenant_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tenant.")] tenant_id: Id<TenantId>,
        #[graphql(desc = "The account.")] user_id: Id<UserId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<TenantPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let changed =
            ctx.control_plane().remove_tenant_member(&call, tenant_id.0, user_id.0).await?;
        Ok(Some(changed.into()))
    }
}
