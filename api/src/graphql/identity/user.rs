use async_graphql::{Context, Enum, ID, Object};
use domain::{
    commerce::OrderFilter as OrderFilterOf, identity,
    instances::InstanceFilter as InstanceFilterOf, page::PageKey,
};

use super::{api_token::ApiToken, tenant::TenantMembership};
use crate::graphql::{
    commerce::{Order, OrderFilter},
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    instances::{Instance, InstanceFilter},
    scalars::{DateTime, id},
};

pub struct User {
    account: identity::User,
    /// The request itself has proven to be this account, whatever it began as.
    logged_in: bool,
}

/// A person's account.
#[Object]
impl User {
    /// Opaque; begins with `user_`.
    pub async fn id(&self) -> ID {
        id(self.account.id)
    }
    /// The address that the account logs in with, in lower case.
    async fn email(&self) -> &str {
        &self.account.email
    }
    /// What the account calls itself.
    async fn nickname(&self) -> &str {
        &self.account.nickname
    }
    /// What the account may do at present.
    async fn status(&self) -> UserStatus {
        self.account.status.into()
    }
    /// The account's roles on the platform.
    async fn roles(&self) -> Vec<Role> {
        self.account.roles.iter().map(|role| (*role).into()).collect()
    }
    /// When the account was opened.
    async fn created_at(&self) -> DateTime {
        DateTime(self.account.created_at)
    }
    /// When the account was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.account.updated_at)
    }
    /// The tenants that the account belongs to, its personal one included, as far as the caller may
    /// see them.
    async fn tenants(&self, ctx: &Context<'_>) -> Result<Vec<TenantMembership>> {
        let mut found = ctx.loaders().memberships_of_user.load_one(self.account.id).await?;
        if !self.logged_in {
            let actor = ctx.call().actor()?;
            found.iter_mut().for_each(|held| held.retain(|held| actor.sees(held.tenant_id)));
        }
        Ok(found.unwrap_or_default().into_iter().map(TenantMembership).collect())
    }
    /// The account's API tokens that have not been revoked, newest first. FORBIDDEN but for the
    /// account itself and administrators.
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<ApiToken>> {
        let page = request(ctx, first, after)?;
        let found = ctx.control_plane().api_tokens(ctx.call(), self.account.id, &page).await?;
        Ok(connection(found, |token| PageKey::new(token.created_at, token.id)))
    }
    /// The orders that the account placed and the caller may see, newest first.
    async fn orders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<OrderFilter>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Order>> {
        let page = request(ctx, first, after)?;
        let mut filter: OrderFilterOf = filter.map(Into::into).unwrap_or_default();
        filter.user_id = Some(self.account.id);
        let found = ctx.control_plane().orders(ctx.call(), filter, &page).await?;
        Ok(connection(found, |order| PageKey::new(order.created_at, order.id)))
    }
    /// The instances that the account owns and the caller may see, newest first.
    async fn instances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<
            InstanceFilter,
        >,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Instance>> {
        let page = request(ctx, first, after)?;
        let mut filter: InstanceFilterOf = filter.map(Into::into).unwrap_or_default();
        filter.owner_id = Some(self.account.id);
        let found = ctx.control_plane().instances(ctx.call(), filter, &page).await?;
        Ok(connection(found, |instance| PageKey::new(instance.created_at, instance.id)))
    }
}

/// What an account may do at present.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "identity::UserStatus")]
pub enum UserStatus {
    /// Everything that its roles allow.
    Enabled,
    /// Nothing: it cannot log in, and its tokens are dead.
    Disabled,
    /// It may log in and read, not order nor change workloads.
    Restricted,
}

/// A role on the platform.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "identity::Role")]
pub enum Role {
    /// An ordinary account.
    User,
    /// Sees every tenant, and manages products and accounts.
    Admin,
}

impl User {
    pub(super) fn logged_in(account: identity::User) -> Self {
        Self { account, logged_in: true }
    }
}

impl From<identity::User> for User {
    fn from(account: identity::User) -> Self {
        Self { account, logged_in: false }
    }
}
