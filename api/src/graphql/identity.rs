use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use domain::{
    Committed,
    commerce::OrderFilter as OrderFilterOf,
    identity::{self, Authenticated, Login, Registration},
    ids::UserId,
    instances::InstanceFilter as InstanceFilterOf,
    page::PageKey,
};

use super::{
    commerce::{Order, OrderFilter},
    connection::{Connection, connection, request},
    context::Ctx,
    error::Result,
    instances::{Instance, InstanceFilter},
    loaders::must,
    scalars::{Cursor, DateTime, Id, id},
};

pub struct User(pub identity::User);

/// A person's account.
#[Object]
impl User {
    /// Opaque; begins with `user_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// The address that the account logs in with, in lower case.
    async fn email(&self) -> &str {
        &self.0.email
    }
    /// What the account calls itself.
    async fn nickname(&self) -> &str {
        &self.0.nickname
    }
    /// What the account may do at present.
    async fn status(&self) -> UserStatus {
        self.0.status.into()
    }
    /// The account's roles on the platform.
    async fn roles(&self) -> Vec<Role> {
        self.0.roles.iter().map(|role| (*role).into()).collect()
    }
    /// When the account was opened.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When the account was last changed.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }
    /// The tenants that the account belongs to, its personal one included.
    async fn tenants(&self, ctx: &Context<'_>) -> Result<Vec<TenantMembership>> {
        let found = ctx.loaders().memberships_of_user.load_one(self.0.id).await?;
        Ok(found.unwrap_or_default().into_iter().map(TenantMembership).collect())
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
        filter.user_id = Some(self.0.id);
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
        filter.owner_id = Some(self.0.id);
        let found = ctx.control_plane().instances(ctx.call(), filter, &page).await?;
        Ok(connection(found, |instance| PageKey::new(instance.created_at, instance.id)))
    }
}

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
    /// The tenant's instances, newest first.
    async fn instances(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<Instance>> {
        let page = request(ctx, first, after)?;
        let filter = InstanceFilterOf { tenant_id: Some(self.0.id), ..Default::default() };
        let found = ctx.control_plane().instances(ctx.call(), filter, &page).await?;
        Ok(connection(found, |instance| PageKey::new(instance.created_at, instance.id)))
    }
}

pub struct TenantMembership(identity::Membership);

/// One account's place in one tenant.
#[Object]
impl TenantMembership {
    /// The tenant.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        Ok(Tenant(must(&ctx.loaders().tenants, self.0.tenant_id).await?))
    }
    /// The account.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User(must(&ctx.loaders().users, self.0.user_id).await?))
    }
    /// What the account may do in the tenant.
    async fn role(&self) -> TenantRole {
        self.0.role.into()
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

/// A new account.
#[derive(InputObject)]
pub struct RegisterInput {
    /// The address to log in with; compared without regard to case.
    email: String,
    /// At least 8 characters and at most 1024 bytes.
    password: String,
    /// What the account calls itself: 1 to 80 characters.
    nickname: String,
}

/// A login.
#[derive(InputObject)]
pub struct LoginInput {
    /// The account's address.
    email: String,
    /// The account's password.
    password: String,
}

/// A change of password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password as it is.
    current_password: String,
    /// At least 8 characters and at most 1024 bytes.
    new_password: String,
}

/// Narrows a list of accounts; what is absent does not.
#[derive(InputObject)]
pub struct UserFilter {
    /// Any of these.
    status: Option<Vec<UserStatus>>,
    /// Accounts with this role.
    role: Option<Role>,
    /// The account with this address.
    email: Option<String>,
}

/// Fresh tokens.
#[derive(SimpleObject)]
pub struct AuthPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// Goes into the header `Authorization: Bearer …`.
    access_token: String,
    /// Shown once.
    refresh_token: String,
    /// When the access token ends.
    expires_at: DateTime,
    /// The account.
    user: User,
}

impl From<Authenticated> for AuthPayload {
    fn from(authenticated: Authenticated) -> Self {
        let Authenticated { committed, tokens } = authenticated;
        Self {
            cursor: Cursor(committed.cursor),
            replayed: committed.replayed,
            access_token: tokens.access_token,
            refresh_token: tokens.refresh_token,
            expires_at: DateTime(tokens.expires_at),
            user: User(committed.entity),
        }
    }
}

/// An ended session.
#[derive(SimpleObject)]
pub struct LogoutPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
}

/// A changed account.
#[derive(SimpleObject)]
pub struct UserPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The account as it is now.
    user: User,
}

impl From<Committed<identity::User>> for UserPayload {
    fn from(committed: Committed<identity::User>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, user: User(entity) }
    }
}

#[derive(Default)]
pub struct IdentityQuery;

#[Object]
impl IdentityQuery {
    /// The caller's account. UNAUTHENTICATED without a token.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<User> {
        Ok(User(ctx.control_plane().viewer(ctx.call()).await?))
    }

    /// All accounts, newest first. For administrators.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list; what is absent does not.")] filter: Option<UserFilter>,
        #[graphql(desc = "How many at most: 1 to 100, by default 20.")] first: Option<i32>,
        #[graphql(desc = "The cursor of the edge to continue behind.")] after: Option<String>,
    ) -> Result<Connection<User>> {
        let page = request(ctx, first, after)?;
        let filter = filter.map(Into::into).unwrap_or_default();
        let found = ctx.control_plane().users(ctx.call(), &filter, &page).await?;
        Ok(connection(found, |user| PageKey::new(user.created_at, user.id)))
    }
}

#[derive(Default)]
pub struct IdentityMutation;

#[Object]
impl IdentityMutation {
    /// Opens an account with a personal tenant and logs it in. ALREADY_EXISTS where the address
    /// is taken.
    async fn register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: RegisterInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<AuthPayload>> {
        let RegisterInput { email, password, nickname } = input;
        let call = ctx.keyed(idempotency_key)?;
        let new = Registration { email, password, nickname };
        Ok(Some(ctx.control_plane().register(&call, new).await?.into()))
    }

    /// Logs in. FORBIDDEN for a wrong address or password, which are not told apart, and for a
    /// disabled account. Each call opens a session of its own.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and its password.")] input: LoginInput,
        #[graphql(desc = "Accepted for symmetry: a login always issues fresh tokens.")]
        idempotency_key: Option<String>,
    ) -> Result<Option<AuthPayload>> {
        let LoginInput { email, password } = input;
        ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().login(Login { email, password }).await?.into()))
    }

    /// Exchanges a refresh token for fresh tokens. Each is good once: the old one is dead from
    /// then on, and its second use ends the session. UNAUTHENTICATED for one that is not good.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The newest refresh token of the session.")] refresh_token: String,
        #[graphql(desc = "Accepted for symmetry: a refresh token is good once.")]
        idempotency_key: Option<String>,
    ) -> Result<Option<AuthPayload>> {
        ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().refresh_session(&refresh_token).await?.into()))
    }

    /// Ends the caller's session and its tokens, or all of the account's.
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Whether every session of the account ends.",
            default_with = "Some(false)"
        )]
        all_sessions: Option<bool>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<LogoutPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let Committed { cursor, replayed, .. } =
            ctx.control_plane().logout(&call, all_sessions.unwrap_or(false)).await?;
        Ok(Some(LogoutPayload { cursor: Cursor(cursor), replayed }))
    }

    /// Sets a new password. All sessions of the account end; the answer opens a fresh one.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old and the new password.")] input: ChangePasswordInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<AuthPayload>> {
        let ChangePasswordInput { current_password, new_password } = input;
        let call = ctx.keyed(idempotency_key)?;
        let changed =
            ctx.control_plane().change_password(&call, current_password, new_password).await?;
        Ok(Some(changed.into()))
    }

    /// Enables, disables or restricts an account. What its tenants run goes on. For
    /// administrators; the last enabled one cannot be disabled.
    async fn set_user_status(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] user_id: Id<UserId>,
        #[graphql(desc = "What the account may do from now on.")] status: UserStatus,
        #[graphql(desc = "Why, for the record.")] reason: Option<String>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<UserPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let changed =
            ctx.control_plane().set_user_status(&call, user_id.0, status.into(), reason).await?;
        Ok(Some(changed.into()))
    }

    /// Sets an account's roles. For administrators; the last one cannot be demoted.
    async fn set_user_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] user_id: Id<UserId>,
        #[graphql(desc = "All roles that it has from now on; at least one.")] roles: Vec<Role>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<UserPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let roles = roles.into_iter().map(Into::into).collect();
        Ok(Some(ctx.control_plane().set_user_roles(&call, user_id.0, roles).await?.into()))
    }
}

impl From<UserFilter> for identity::UserFilter {
    fn from(filter: UserFilter) -> Self {
        let UserFilter { status, role, email } = filter;
        Self {
            status: status.map(|status| status.into_iter().map(Into::into).collect()),
            role: role.map(Into::into),
            email: email.map(|email| email.trim().to_lowercase()),
        }
    }
}

impl From<identity::User> for User {
    fn from(user: identity::User) -> Self {
        Self(user)
    }
}
