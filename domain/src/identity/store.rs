use async_trait::async_trait;
use jiff::Timestamp;

use super::{Account, ApiToken, LoginSession, Membership, Tenant, User, UserFilter};
use crate::{
    error::Result,
    ids::{ApiTokenId, SessionId, TenantId, UserId},
    page::{Page, PageRequest},
};

#[async_trait]
pub trait IdentityReads {
    async fn account(&mut self, id: UserId) -> Result<Option<Account>>;
    async fn users_by_id(&mut self, ids: &[UserId]) -> Result<Vec<User>>;
    async fn user_by_email(&mut self, email: &str) -> Result<Option<User>>;
    async fn users(&mut self, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>>;
    /// How many enabled users have the role ADMIN.
    async fn count_admins(&mut self) -> Result<i64>;
    async fn tenants_by_id(&mut self, ids: &[TenantId]) -> Result<Vec<Tenant>>;
    /// `None` for `visible` does not narrow.
    async fn tenants(
        &mut self,
        visible: Option<&[TenantId]>,
        page: &PageRequest,
    ) -> Result<Page<Tenant>>;
    async fn memberships_of_users(&mut self, users: &[UserId]) -> Result<Vec<Membership>>;
    async fn memberships_of_tenants(&mut self, tenants: &[TenantId]) -> Result<Vec<Membership>>;
}

#[async_trait]
pub trait IdentityWrites {
    /// Gives out the next small number of a user.
    async fn next_user_number(&mut self) -> Result<i64>;
    /// `false` where the e-mail address is taken.
    async fn insert_user(&mut self, user: &User) -> Result<bool>;
    async fn update_user(&mut self, user: &User) -> Result<()>;
    /// `false` where the org id is taken.
    async fn insert_tenant(&mut self, tenant: &Tenant) -> Result<bool>;
    /// In the place of the one that the user has in that tenant.
    async fn put_membership(&mut self, membership: &Membership) -> Result<()>;
    async fn delete_membership(&mut self, tenant: TenantId, user: UserId) -> Result<()>;
}

#[async_trait]
pub trait CredentialReads {
    async fn session(&mut self, id: SessionId) -> Result<Option<LoginSession>>;
    async fn api_tokens_by_id(&mut self, ids: &[ApiTokenId]) -> Result<Vec<ApiToken>>;
    async fn api_token_by_hash(&mut self, hash: &str) -> Result<Option<ApiToken>>;
    /// A user's that have not been revoked.
    async fn api_tokens(&mut self, user: UserId, page: &PageRequest) -> Result<Page<ApiToken>>;
}

#[async_trait]
pub trait CredentialWrites {
    async fn insert_session(&mut self, session: &LoginSession) -> Result<()>;
    /// Ends one session, or all of an account.
    async fn revoke_sessions(
        &mut self,
        user: UserId,
        one: Option<SessionId>,
        at: Timestamp,
    ) -> Result<()>;
    /// Puts a fresh refresh token in the place of the one whose hash is `old`; `false` where
    /// that is not the session's any more.
    async fn rotate_session(
        &mut self,
        id: SessionId,
        old: &str,
        new: &str,
        expires_at: Timestamp,
    ) -> Result<bool>;
    async fn insert_api_token(&mut self, token: &ApiToken) -> Result<()>;
    async fn revoke_api_token(&mut self, id: ApiTokenId, at: Timestamp) -> Result<()>;
    async fn use_api_token(&mut self, id: ApiTokenId, at: Timestamp) -> Result<()>;
}
