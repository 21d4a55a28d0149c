use async_graphql::{Context, Object, SimpleObject};
use domain::{
    Committed,
    identity::{self, Authenticated},
    ids::UserId,
};

use super::{
    inputs::{ChangePasswordInput, LoginInput, RegisterInput},
    user::{Role, User, UserStatus},
};
use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{Cursor, DateTime, Id},
};

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
            user: User::logged_in(committed.entity),
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
        Self { cursor: Cursor(cursor), replayed, user: User::from(entity) }
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
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().register(&call, input.into()).await?.into()))
    }

    /// Logs in. FORBIDDEN for a wrong address or password, which are not told apart, and for a
    /// disabled account. RATE_LIMITED after too many failures. Each call opens a session of its own.
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and its password.")] input: LoginInput,
        #[graphql(desc = "Accepted for symmetry: a login always issues fresh tokens.")]
        idempotency_key: Option<String>,
    ) -> Result<Option<AuthPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        Ok(Some(ctx.control_plane().login(&call, input.into()).await?.into()))
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
