use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use domain::{
    Committed,
    identity::{self, IssuedApiToken, NewApiToken},
    ids::ApiTokenId,
};

use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{Cursor, DateTime, Id, id, time},
};

pub struct ApiToken(pub identity::ApiToken);

/// A credential for tools: it acts as its account, with no more than its scopes.
#[Object]
impl ApiToken {
    /// Opaque; begins with `tok_`.
    pub async fn id(&self) -> ID {
        id(self.0.id)
    }
    /// What it is for, in words of its account.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// What it may do: `read`, `write`, `admin`.
    async fn scopes(&self) -> Vec<&str> {
        self.0.scopes.iter().map(|scope| scope.as_str()).collect()
    }
    /// When it was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it ends; null for never.
    async fn expires_at(&self) -> Option<DateTime> {
        time(self.0.expires_at)
    }
    /// When it was last used, to the minute.
    async fn last_used_at(&self) -> Option<DateTime> {
        time(self.0.last_used_at)
    }
    /// When it was revoked; null while it is good.
    async fn revoked_at(&self) -> Option<DateTime> {
        time(self.0.revoked_at)
    }
}

impl From<identity::ApiToken> for ApiToken {
    fn from(token: identity::ApiToken) -> Self {
        Self(token)
    }
}

/// A new or revoked API token.
#[derive(SimpleObject)]
pub struct ApiTokenPayload {
    /// The safe position just before the effect.
    cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    replayed: bool,
    /// The token as it is now.
    api_token: ApiToken,
    /// What goes into the header `Authorization: Bearer …`. Shown once, by the call that makes the
    /// token; null from every other.
    secret: Option<String>,
}

impl ApiTokenPayload {
    fn new(committed: Committed<identity::ApiToken>, secret: Option<String>) -> Self {
        let Committed { cursor, replayed, entity, workflow: _ } = committed;
        Self { cursor: Cursor(cursor), replayed, api_token: ApiToken(entity), secret }
    }
}

/// A new API token.
#[derive(InputObject)]
pub struct CreateApiTokenInput {
    /// What it is for: 1 to 80 characters.
    name: String,
    /// One or more of `read` (queries and subscriptions; every token has it), `write` (mutations
    /// too) and `admin` (the account's role ADMIN counts).
    scopes: Vec<String>,
    /// When it ends; never where absent.
    expires_at: Option<DateTime>,
}

impl From<CreateApiTokenInput> for NewApiToken {
    fn from(input: CreateApiTokenInput) -> Self {
        let CreateApiTokenInput { name, scopes, expires_at } = input;
        Self { name, scopes, expires_at: expires_at.map(|at| at.0) }
    }
}

#[derive(Default)]
pub struct ApiTokenMutation;

#[Object]
impl ApiTokenMutation {
    /// Makes an API token for the caller. It takes a login: an API token cannot make another.
    async fn create_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new token.")] input: CreateApiTokenInput,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ApiTokenPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let IssuedApiToken { committed, secret } =
            ctx.control_plane().create_api_token(&call, input.into()).await?;
        Ok(Some(ApiTokenPayload::new(committed, secret)))
    }

    /// Ends an API token of the caller's, and within 5 s every stream that it opened.
    /// Administrators may end anybody's. It takes a login.
    async fn revoke_api_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] id: Id<ApiTokenId>,
        #[graphql(desc = "Makes repeated calls have one effect.")] idempotency_key: Option<String>,
    ) -> Result<Option<ApiTokenPayload>> {
        let call = ctx.keyed(idempotency_key)?;
        let committed = ctx.control_plane().revoke_api_token(&call, id.0).await?;
        Ok(Some(ApiTokenPayload::new(committed, None)))
    }
}
