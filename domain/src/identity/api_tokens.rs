use async_trait::async_trait;

use super::{Action, Actor, ApiToken, NewApiToken, Object};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    ids::{ApiTokenId, TenantId, UserId},
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::Entity,
};

/// How many API tokens an account may have that have not been revoked.
const MOST_TOKENS: i64 = 1_000;

/// A token with its secret, which is known only now: a repeated call has none.
pub struct IssuedApiToken {
    pub committed: Committed<ApiToken>,
    pub secret: Option<String>,
}

impl ControlPlane {
    pub async fn create_api_token(&self, call: &Call, new: NewApiToken) -> Result<IssuedApiToken> {
        let issued = self.ports.tokens.issue_api_token()?;
        let committed = self
            .execute(call, async |work| {
                let user = work.actor()?.user.id;
                work.actor()?.may(Action::IssueToken, Object::Account(user))?;
                work.tx.lock(&user.to_string()).await?;
                let page = PageRequest::new(Some(1), None, true)?;
                if work.tx.api_tokens(user, &page).await?.total >= Some(MOST_TOKENS) {
                    let most = format!("an account has at most {MOST_TOKENS} API tokens");
                    return Err(Error::Conflict(most));
                }
                let token = ApiToken::new(new, user, issued.hash, work.now())?;
                work.insert(&token, EventType::ApiTokenCreated).await?;
                Ok(token)
            })
            .await?;
        let secret = (!committed.replayed).then_some(issued.secret);
        Ok(IssuedApiToken { committed, secret })
    }

    /// Ends a token for good; what has ended stays so.
    pub async fn revoke_api_token(
        &self,
        call: &Call,
        id: ApiTokenId,
    ) -> Result<Committed<ApiToken>> {
        self.execute(call, async |work| {
            let mut token = work.seen::<ApiToken>(id).await?;
            work.actor()?.may(Action::RevokeToken, Object::Account(token.user_id))?;
            if token.revoked_at.is_none() {
                token.revoked_at = Some(work.now());
                work.save(&token, EventType::ApiTokenRevoked, None).await?;
            }
            Ok(token)
        })
        .await
    }

    /// An account's tokens that have not been revoked, newest first.
    pub async fn api_tokens(
        &self,
        call: &Call,
        user: UserId,
        page: &PageRequest,
    ) -> Result<Page<ApiToken>> {
        call.actor()?.may(Action::SeeAccount, Object::Account(user))?;
        self.reader().await?.api_tokens(user, page).await
    }

    /// For `node`.
    pub async fn api_tokens_by_id(&self, ids: &[ApiTokenId]) -> Result<Vec<ApiToken>> {
        self.reader().await?.api_tokens_by_id(ids).await
    }

    /// Notes that a token has just been used.
    pub async fn use_api_token(&self, id: ApiTokenId) -> Result<()> {
        let mut tx = self.ports.store.write().await?;
        let now = tx.now();
        tx.use_api_token(id, now).await?;
        tx.commit().await
    }
}

#[async_trait]
impl Entity for ApiToken {
    type Id = ApiTokenId;

    fn id(&self) -> ApiTokenId {
        self.id
    }

    /// It belongs to an account: its events are for administrators.
    fn tenant_id(&self) -> Option<TenantId> {
        None
    }

    fn is_visible_to(&self, actor: &Actor) -> bool {
        actor.sees_account(self.user_id)
    }

    async fn find(session: &mut dyn Session, id: ApiTokenId) -> Result<Option<Self>> {
        Ok(session.api_tokens_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_api_token(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        match self.revoked_at {
            Some(at) => tx.revoke_api_token(self.id, at).await,
            None => Err(Error::internal("an API token changes only when it is revoked")),
        }
    }
}
