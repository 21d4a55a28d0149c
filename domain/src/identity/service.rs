use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Action, Caller, LoginSession, Membership, Relation, Role, Tenant, TenantRole, Tokens, User,
    UserFilter, UserStatus, allows, user,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane, Ports},
    error::{Error, Result},
    events::EventType,
    ids::{SessionId, TenantId, UserId},
    names,
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::{Entity, Work},
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
        let call = Call { caller: Caller::Anonymous, request_id: None, idempotency: None };
        let roles = vec![Role::User, Role::Admin];
        Ok(Some(self.open_account(&call, new, roles).await?.entity))
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
        let password_hash = self.ports.passwords.hash(password).await?;
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
            personal_tenant(work, &user).await?;
            Ok(user)
        })
        .await
    }

    /// The same refusal, after the same time, for an unknown account and a wrong password.
    pub async fn login(&self, login: Login) -> Result<Authenticated> {
        let email = user::email("input.email", &login.email)?;
        let user = self.reader().await?.user_by_email(&email).await?;
        let hash = user.as_ref().map(|user| user.password_hash.clone());
        let matches = self.ports.passwords.verify(login.password, hash).await?;
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
            let (id, session) = (work.actor()?.user.id, work.actor()?.session_id);
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
        user::password("input.newPassword", &new)?;
        let known = Some(user.password_hash.clone());
        if !self.ports.passwords.verify(current, known).await? {
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

    /// Enables, disables or restricts an account. What its tenant runs is untouched.
    pub async fn set_user_status(
        &self,
        call: &Call,
        id: UserId,
        status: UserStatus,
        reason: Option<String>,
    ) -> Result<Committed<User>> {
        let reason = reason.map(|reason| names::text("reason", &reason, 200)).transpose()?;
        self.execute(call, async |work| {
            work.actor()?.may_administer()?;
            work.tx.lock("admins").await?;
            let user = work.locked::<User>(id).await?;
            let previous = user.status.as_str();
            let now = work.now();
            let user = user.with_status(status, reason, now);
            work.save(&user, EventType::UserStatusChanged, Some(previous)).await?;
            keep_an_admin(work).await?;
            Ok(user)
        })
        .await
    }

    pub async fn set_user_roles(
        &self,
        call: &Call,
        id: UserId,
        roles: Vec<Role>,
    ) -> Result<Committed<User>> {
        if roles.is_empty() {
            return Err(Error::invalid("roles", "must hold at least one role"));
        }
        self.execute(call, async |work| {
            work.actor()?.may_administer()?;
            work.tx.lock("admins").await?;
            let now = work.now();
            let user = work.locked::<User>(id).await?.with_roles(roles, now);
            work.save(&user, EventType::UserRolesChanged, None).await?;
            keep_an_admin(work).await?;
            Ok(user)
        })
        .await
    }

    /// The caller's account as it is now.
    pub async fn viewer(&self, call: &Call) -> Result<User> {
        Ok(call.actor()?.user.clone())
    }

    /// All accounts; for administrators.
    pub async fn users(
        &self,
        call: &Call,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<User>> {
        call.actor()?.may_administer()?;
        self.reader().await?.users(filter, page).await
    }

    /// One account where the caller may see it: itself, or any for an administrator.
    pub async fn user(&self, call: &Call, id: UserId) -> Result<Option<User>> {
        let actor = call.actor()?;
        if actor.user.id != id && !actor.user.is_admin() {
            return Ok(None);
        }
        Ok(self.users_by_id(&[id]).await?.pop())
    }

    /// A tenant where the caller may see it.
    pub async fn tenant(&self, call: &Call, id: TenantId) -> Result<Option<Tenant>> {
        if !call.actor()?.sees(id) {
            return Ok(None);
        }
        Ok(self.tenants_by_id(&[id]).await?.pop())
    }

    /// For edges: what a visible row points at is visible.
    pub async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>> {
        self.reader().await?.users_by_id(ids).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn tenants_by_id(&self, ids: &[TenantId]) -> Result<Vec<Tenant>> {
        self.reader().await?.tenants_by_id(ids).await
    }

    pub async fn memberships_of_users(&self, users: &[UserId]) -> Result<Vec<Membership>> {
        self.reader().await?.memberships_of_users(users).await
    }

    pub async fn memberships_of_tenants(&self, tenants: &[TenantId]) -> Result<Vec<Membership>> {
        self.reader().await?.memberships_of_tenants(tenants).await
    }
}

impl Work {
    /// The tenant that a mutation is for: the one named, or the caller's personal one. Unseen and
    /// missing are told apart by nothing.
    pub(crate) async fn tenant_to_change(&mut self, named: Option<TenantId>) -> Result<Tenant> {
        let actor = self.actor()?.clone();
        let tenant = match named {
            Some(id) if allows(actor.relation(id), Action::See) => {
                self.tx.tenants_by_id(&[id]).await?.pop()
            }
            Some(_) => None,
            None => self.tx.personal_tenant(actor.user.id).await?,
        };
        let missing =
            || Error::not_found("tenant", named.map(|id| id.to_string()).unwrap_or_default());
        let tenant = tenant.ok_or_else(missing)?;
        debug_assert!(actor.relation(tenant.id) != Relation::Stranger);
        actor.may_change(tenant.id)?;
        Ok(tenant)
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

async fn personal_tenant(work: &mut Work, user: &User) -> Result<()> {
    let tenant = Tenant {
        id: TenantId::fresh(),
        org_id: format!("personal-{}", user.number),
        name: user.nickname.clone(),
        personal: true,
        created_at: work.now(),
    };
    work.insert(&tenant, EventType::TenantCreated).await?;
    let role = TenantRole::Owner;
    work.tx.insert_membership(&Membership { tenant_id: tenant.id, user_id: user.id, role }).await
}

/// Somebody must be left to administer.
async fn keep_an_admin(work: &mut Work) -> Result<()> {
    if work.tx.count_admins().await? > 0 {
        return Ok(());
    }
    Err(Error::Conflict("the last administrator cannot be disabled or demoted".to_owned()))
}

#[async_trait]
impl Entity for User {
    type Id = UserId;

    fn id(&self) -> UserId {
        self.id
    }

    /// An account belongs to no tenant: its events are for administrators.
    fn tenant_id(&self) -> Option<TenantId> {
        None
    }

    async fn find(session: &mut dyn Session, id: UserId) -> Result<Option<Self>> {
        Ok(session.users_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        if tx.insert_user(self).await? {
            return Ok(());
        }
        Err(Error::AlreadyExists { kind: "user", name: self.email.clone() })
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_user(self).await
    }
}

#[async_trait]
impl Entity for Tenant {
    type Id = TenantId;

    fn id(&self) -> TenantId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.id)
    }

    async fn find(session: &mut dyn Session, id: TenantId) -> Result<Option<Self>> {
        Ok(session.tenants_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        if tx.insert_tenant(self).await? {
            return Ok(());
        }
        Err(Error::AlreadyExists { kind: "tenant", name: self.org_id.clone() })
    }

    async fn update(&self, _: &mut dyn Transaction) -> Result<()> {
        Err(Error::internal("a tenant's row does not change"))
    }
}

impl Authenticated {
    pub fn expires_at(&self) -> Timestamp {
        self.tokens.expires_at
    }
}
