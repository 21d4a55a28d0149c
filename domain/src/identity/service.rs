use async_trait::async_trait;

use super::{Action, Actor, Object, Role, User, UserFilter, UserStatus};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    ids::{TenantId, UserId},
    names,
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::{Entity, Work},
};

impl ControlPlane {
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
            work.actor()?.may(Action::Administer, Object::Platform)?;
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
            work.actor()?.may(Action::Administer, Object::Platform)?;
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
        call.caller.may(Action::Oversee, Object::Platform)?;
        self.reader().await?.users(filter, page).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>> {
        self.reader().await?.users_by_id(ids).await
    }
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

    fn is_visible_to(&self, actor: &Actor) -> bool {
        actor.sees_account(self.id)
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
