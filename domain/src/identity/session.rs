use async_trait::async_trait;
use jiff::Timestamp;

use super::{ApiSecret, User};
use crate::{
    error::Result,
    ids::{SessionId, UserId},
};

/// One login: what a refresh token belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    /// A hash of the refresh token that is good now.
    pub refresh_hash: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// Hashes and verifies off the async threads, a few at a time.
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    async fn hash(&self, password: String) -> Result<String>;

    /// Takes as long for `None`, so that an unknown account is not told apart by time.
    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool>;
}

/// Signs access tokens and makes refresh tokens and the secrets of API tokens.
pub trait TokenIssuer: Send + Sync {
    fn issue(&self, user: &User, session: SessionId, now: Timestamp) -> Result<Tokens>;

    /// The session that a refresh token names, and the token's hash; `None` for what is none.
    fn read_refresh(&self, token: &str) -> Option<(SessionId, String)>;

    fn issue_api_token(&self) -> Result<ApiSecret>;
}

/// What a login hands out. `refresh_hash` is what is stored.
#[derive(Clone)]
pub struct Tokens {
    pub session_id: SessionId,
    pub access_token: String,
    pub expires_at: Timestamp,
    pub refresh_token: String,
    pub refresh_hash: String,
    pub refresh_expires_at: Timestamp,
}
