use std::sync::Arc;

use super::{Account, ApiToken, Caller, Credential, Ticket, UserStatus};
use crate::{
    control_plane::{Call, ControlPlane},
    error::{Error, Result},
    ids::{SessionId, UserId},
    store::Session,
};

impl ControlPlane {
    /// The caller behind a ticket: a user that exists and is not disabled, and a session or a
    /// token that nothing has ended. When it expires is for whoever lets the caller in.
    pub async fn caller(&self, ticket: &Ticket) -> Result<Caller> {
        let mut reader = self.reader().await?;
        let (account, credential) = match ticket {
            Ticket::Login { user, token_version, session } => {
                let account = with_session(&mut *reader, *user, *session).await?;
                if account.user.token_version != *token_version {
                    return Err(Error::Unauthenticated);
                }
                (account, Credential::Login(*session))
            }
            Ticket::ApiToken { hash } => with_token(&mut *reader, hash).await?,
        };
        if account.user.status == UserStatus::Disabled {
            return Err(Error::Unauthenticated);
        }
        Ok(Caller::User(Arc::new(account.into_actor(credential).0)))
    }
}

impl ControlPlane {
    /// A call of the program itself, in the name of an account.
    pub async fn console_call(&self, email: &str) -> Result<Call> {
        let mut reader = self.reader().await?;
        let user = reader.user_by_email(email).await?;
        let user = user.ok_or_else(|| Error::not_found("user", email))?;
        let account = found(&mut *reader, user.id).await?;
        let caller = Caller::User(Arc::new(account.into_actor(Credential::Console).0));
        Ok(Call { caller, address: None, request_id: None, idempotency: None })
    }
}

async fn with_session(
    reader: &mut dyn Session,
    user: UserId,
    session: SessionId,
) -> Result<Account> {
    let session = reader.session(session).await?;
    if session.is_none_or(|session| session.user_id != user || session.revoked_at.is_some()) {
        return Err(Error::Unauthenticated);
    }
    found(reader, user).await
}

async fn with_token(reader: &mut dyn Session, hash: &str) -> Result<(Account, Credential)> {
    let token = reader.api_token_by_hash(hash).await?;
    let token = token.filter(|token| token.revoked_at.is_none()).ok_or(Error::Unauthenticated)?;
    let ApiToken { id, user_id, scopes, expires_at, last_used_at, .. } = token;
    let credential = Credential::ApiToken { id, scopes, expires_at, last_used_at };
    Ok((found(reader, user_id).await?, credential))
}

async fn found(reader: &mut dyn Session, id: UserId) -> Result<Account> {
    reader.account(id).await?.ok_or(Error::Unauthenticated)
}
