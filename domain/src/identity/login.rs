use super::{
    Action, Actor, Caller, Credential, Guess, LoginSession, Object, Role, Tenant, Tokens, User,
    UserStatus, user,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane, Ports},
    error::{Error, Result},
    events::EventType,
    ids::{SessionId, TenantId, UserId},
    work::Work,
};

pub struct Registration {
    pub email: String,
    pub password: String,
    pub nickname: String,
}

pub struct Login {
    pub email: String,
    pub password: String,
}

/// A user with fresh tokens.
pub struct Authenticated {
    pub committed: Committed<User>,
    pub tokens: Tokens,
}

impl ControlPlane {
    /// Opens an account with a personal tenant and logs it in.
    pub async fn register(&self, call: &Call, new: Registration) -> Result<Authenticated> {
        let committed = self.open_account(call, new, vec![Role::User]).await?;
        self.authenticated(committed).await
    }

    /// Makes the first administrator where there is none; `None` where there is one.
    pub async fn ensure_admin(&self, new: Registration) -> Result<Option<User>> {
        if self.reader().await?.count_admins().await? > 0 {
            return Ok(None);
        }
        let call =
            Call { caller: Caller::Anonymous, address: None, request_id: None, idempotency: None };
        let roles = vec![Role::User, Role::Admin];
        match self.open_account(&call, new, roles).await {
            Ok(opened) => Ok(Some(opened.entity)),
            // Another process that starts has been faster.
            Err(Error::AlreadyExists { .. }) if self.reader().await?.count_admins().await? > 0 => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn open_account(
        &self,
        call: &Call,
        new: Registration,
        roles: Vec<Role>,
    ) -> Result<Committed<User>> {
        let Registration { email, password, nickname } = new;
        let email = user::email("input.email", &email)?;
        let nickname = user::nickname("input.nickname", &nickname)?;
        user::password("input.password", &password)?;
        let guess = self.guess(call, None).await?;
        guess.allowed()?;
        let password_hash = self.ports.passwords.hash(password).await?;
        guess.count();
        self.execute(call, async |work| {
            let number = work.tx.next_user_number().await?;
            let user = User {
                id: UserId::fresh(),
                number,
                email,
                password_hash,
                nickname,
                status: UserStatus::Enabled,
                status_reason: None,
                roles,
                token_version: 0,
                created_at: work.now(),
                updated_at: work.now(),
                version: 0,
            };
            work.insert(&user, EventType::UserRegistered).await?;
            let tenant = Tenant {
                id: TenantId::fresh(),
                org_id: Tenant::personal_org_id(number),
                name: user.nickname.clone(),
                personal: true,
                created_at: work.now(),
            };
            work.open_tenant(&tenant, user.id).await?;
            Ok(user)
        })
        .await
    }

    /// The same refusal, after the same time, for an unknown account and a wrong password.
    pub async fn login(&self, call: &Call, login: Login) -> Result<Authenticated> {
        let email = user::email("input.email", &login.email)?;
        let guess = self.guess(call, Some(&email)).await?;
        guess.allowed()?;
        let user = self.reader().await?.user_by_email(&email).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.ports.passwords.verify(login.password, hash).await?;
        guess.settle(matches)?;
        let Some(user) = user.filter(|_| matches) else {
            return Err(Error::Forbidden("the e-mail address or the password is wrong".to_owned()));
        };
        if user.status == UserStatus::Disabled {
            return Err(Error::Forbidden("the account is disabled".to_owned()));
        }
        let cursor = self.cursor().await?;
        self.authenticated(Committed { cursor, replayed: false, entity: user, workflow: None })
            .await
    }

    /// Exchanges a refresh token for fresh tokens; the old one is dead from then on. One that
    /// comes a second time was stolen from somebody: its session ends.
    pub async fn refresh_session(&self, refresh_token: &str) -> Result<Authenticated> {
        let read = self.ports.tokens.read_refresh(refresh_token);
        let (id, old) = read.ok_or(Error::Unauthenticated)?;
        let cursor = self.cursor().await?;
        let refreshed = self
            .maintain(None, async |work| work.refresh(&self.ports, id, &old).await.map(Some))
            .await?
            .flatten();
        let (user, tokens) = refreshed.ok_or(Error::Unauthenticated)?;
        let committed = Committed { cursor, replayed: false, entity: user, workflow: None };
        Ok(Authenticated { committed, tokens })
    }

    /// Ends the caller's session, or all of the account's, with their tokens.
    pub async fn logout(&self, call: &Call, all_sessions: bool) -> Result<Committed<User>> {
        self.execute(call, async |work| {
            let (id, session) = secured(work.actor()?)?;
            let now = work.now();
            let user = work.locked::<User>(id).await?;
            if !all_sessions {
                work.tx.revoke_sessions(id, Some(session), now).await?;
                return Ok(user);
            }
            work.tx.revoke_sessions(id, None, now).await?;
            let user = user.with_dead_tokens(now);
            work.save(&user, EventType::UserLoggedOut, None).await?;
            Ok(user)
        })
        .await
    }

    /// Sets a new password, which ends all sessions but the fresh one that it opens.
    pub async fn change_password(
        &self,
        call: &Call,
        current: String,
        new: String,
    ) -> Result<Authenticated> {
        let user = call.actor()?.user.clone();
        secured(call.actor()?)?;
        user::password("input.newPassword", &new)?;
        let guess = self.guess(call, Some(&user.email)).await?;
        guess.allowed()?;
        let known = Some(user.password_hash.clone());
        let matches = self.ports.passwords.verify(current, known).await?;
        guess.settle(matches)?;
        if !matches {
            return Err(Error::invalid("input.currentPassword", "is not the account's password"));
        }
        let password_hash = self.ports.passwords.hash(new).await?;
        let committed = self
            .execute(call, async |work| {
                let now = work.now();
                let mut user = work.locked::<User>(user.id).await?.with_dead_tokens(now);
                user.password_hash = password_hash;
                work.tx.revoke_sessions(user.id, None, now).await?;
                work.save(&user, EventType::UserPasswordChanged, None).await?;
                Ok(user)
            })
            .await?;
        self.authenticated(committed).await
    }

    async fn guess<'a>(&'a self, call: &Call, account: Option<&str>) -> Result<Guess<'a>> {
        let now = self.ports.store.now().await?;
        Ok(self.throttle.guess(self.settings.guess_limits, account, call.address, now))
    }

    async fn authenticated(&self, committed: Committed<User>) -> Result<Authenticated> {
        let user = &committed.entity;
        let mut tx = self.ports.store.write().await?;
        let now = tx.now();
        let id = SessionId::fresh();
        let tokens = self.ports.tokens.issue(user, id, now)?;
        tx.insert_session(&LoginSession {
            id,
            user_id: user.id,
            refresh_hash: tokens.refresh_hash.clone(),
            created_at: now,
            expires_at: tokens.refresh_expires_at,
            revoked_at: None,
        })
        .await?;
        tx.commit().await?;
        Ok(Authenticated { committed, tokens })
    }
}

impl Work {
    /// Rotates a session's refresh token; `None` where it is not to be had, a session whose
    /// older token came again having been ended.
    async fn refresh(
        &mut self,
        ports: &Ports,
        id: SessionId,
        old: &str,
    ) -> Result<Option<(User, Tokens)>> {
        self.tx.lock(&id.to_string()).await?;
        let now = self.now();
        let session = self.tx.session(id).await?;
        let live =
            |session: &LoginSession| session.revoked_at.is_none() && session.expires_at > now;
        let Some(session) = session.filter(live) else { return Ok(None) };
        if session.refresh_hash != old {
            self.tx.revoke_sessions(session.user_id, Some(id), now).await?;
            return Ok(None);
        }
        let user = self.tx.users_by_id(&[session.user_id]).await?.pop();
        let Some(user) = user.filter(|user| user.status != UserStatus::Disabled) else {
            return Ok(None);
        };
        let tokens = ports.tokens.issue(&user, id, now)?;
        let (fresh, expires_at) = (&tokens.refresh_hash, tokens.refresh_expires_at);
        let rotated = self.tx.rotate_session(id, old, fresh, expires_at).await?;
        Ok(rotated.then_some((user, tokens)))
    }
}

/// The account and the session of a caller who has logged in.
fn secured(actor: &Actor) -> Result<(UserId, SessionId)> {
    actor.may(Action::Secure, Object::Account(actor.user.id))?;
    match actor.credential {
        Credential::Login(session) => Ok((actor.user.id, session)),
        Credential::Console | Credential::ApiToken { .. } => {
            Err(Error::internal("what is no login passed for one"))
        }
    }
}
