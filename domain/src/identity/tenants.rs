use async_trait::async_trait;

use super::{Action, Membership, Object, Tenant, TenantRole, User, tenant, user};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::{EventType, NewEvent, Subject},
    ids::{TenantId, UserId},
    names,
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::{Entity, Work, image},
};

/// How many tenants an account may belong to, and how many accounts to a tenant: all of either are
/// read at once.
const MOST_MEMBERSHIPS: usize = 1_000;

pub struct NewTenant {
    pub org_id: String,
    pub name: String,
}

impl ControlPlane {
    /// Opens a tenant whose first owner the caller is.
    pub async fn create_tenant(&self, call: &Call, new: NewTenant) -> Result<Committed<Tenant>> {
        let NewTenant { org_id, name } = new;
        self.execute(call, async |work| {
            let owner = work.actor()?.user.id;
            work.actor()?.may(Action::OpenTenant, Object::Account(owner))?;
            let org_id = tenant::org_id("input.orgId", &org_id)?;
            let name = names::text("input.name", &name, 80)?;
            let now = work.now();
            let tenant =
                Tenant { id: TenantId::fresh(), org_id, name, personal: false, created_at: now };
            work.open_tenant(&tenant, owner).await?;
            Ok(tenant)
        })
        .await
    }

    /// Gives an account a role in a tenant, whether it has one there already or not.
    pub async fn set_tenant_member(
        &self,
        call: &Call,
        id: TenantId,
        email: &str,
        role: TenantRole,
    ) -> Result<Committed<Tenant>> {
        self.execute(call, async |work| {
            let tenant = work.tenant_to(Action::ManageMembers, id).await?;
            let email = user::email("email", email)?;
            let user = work.tx.user_by_email(&email).await?;
            let user = user.ok_or_else(|| Error::not_found("user", &email))?;
            work.set_member(&tenant, &user, role).await?;
            Ok(tenant)
        })
        .await
    }

    /// Takes an account's role in a tenant away; everybody may give up their own.
    pub async fn remove_tenant_member(
        &self,
        call: &Call,
        id: TenantId,
        user: UserId,
    ) -> Result<Committed<Tenant>> {
        self.execute(call, async |work| {
            let leaves = work.actor()?.user.id == user && work.actor()?.role_in(id).is_some();
            let action = if leaves { Action::Leave } else { Action::ManageMembers };
            let tenant = work.tenant_to(action, id).await?;
            work.remove_member(&tenant, user).await?;
            Ok(tenant)
        })
        .await
    }

    /// The tenants that the caller may see, newest first.
    pub async fn tenants(&self, call: &Call, page: &PageRequest) -> Result<Page<Tenant>> {
        let visible = call.actor()?.scope().tenants();
        self.reader().await?.tenants(visible.as_deref(), page).await
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
        let wanted = named.or(actor.home).ok_or_else(|| Error::not_found("tenant", ""))?;
        let tenant = match self.tenants().iter().find(|tenant| tenant.id == wanted) {
            Some(own) => Some(own.clone()),
            None => self.tx.tenants_by_id(&[wanted]).await?.pop(),
        };
        let tenant = tenant.filter(|tenant| actor.sees(tenant.id));
        let tenant = tenant.ok_or_else(|| Error::not_found("tenant", wanted))?;
        actor.may(Action::Change, Object::Tenant(tenant.id))?;
        Ok(tenant)
    }

    /// Loads a tenant whose members shall change, with everybody else held off until the end.
    async fn tenant_to(&mut self, action: Action, id: TenantId) -> Result<Tenant> {
        let tenant = self.seen::<Tenant>(id).await?;
        self.actor()?.may(action, Object::Tenant(id))?;
        Ok(tenant)
    }

    pub(super) async fn open_tenant(&mut self, tenant: &Tenant, owner: UserId) -> Result<()> {
        self.insert(tenant, EventType::TenantCreated).await?;
        let membership =
            Membership { tenant_id: tenant.id, user_id: owner, role: TenantRole::Owner };
        self.put_member(&membership, None).await
    }

    async fn set_member(&mut self, tenant: &Tenant, user: &User, role: TenantRole) -> Result<()> {
        let members = self.tx.memberships_of_tenants(&[tenant.id]).await?;
        let before = members.iter().find(|held| held.user_id == user.id).map(|held| held.role);
        if before == Some(role) {
            return Ok(());
        }
        keep_the_personal_owner(tenant, before, Some(role))?;
        if members.len() >= MOST_MEMBERSHIPS && before.is_none() {
            return Err(too_many("a tenant has", "members"));
        }
        let membership = Membership { tenant_id: tenant.id, user_id: user.id, role };
        self.put_member(&membership, before).await?;
        keep_an_owner(&mut *self.tx, tenant).await
    }

    async fn remove_member(&mut self, tenant: &Tenant, user: UserId) -> Result<()> {
        let members = self.tx.memberships_of_tenants(&[tenant.id]).await?;
        let held = members.into_iter().find(|held| held.user_id == user);
        let held = held.ok_or_else(|| Error::not_found("member", user))?;
        keep_the_personal_owner(tenant, Some(held.role), None)?;
        self.tx.delete_membership(tenant.id, user).await?;
        keep_an_owner(&mut *self.tx, tenant).await?;
        self.tell(member_event(EventType::TenantMemberRemoved, &held, Some(held.role))?);
        Ok(())
    }

    /// The account is held, so that all that it belongs to stays countable.
    async fn put_member(&mut self, new: &Membership, before: Option<TenantRole>) -> Result<()> {
        self.tx.lock(&new.user_id.to_string()).await?;
        let held = self.tx.memberships_of_users(&[new.user_id]).await?;
        if held.len() >= MOST_MEMBERSHIPS && before.is_none() {
            return Err(too_many("an account belongs to", "tenants"));
        }
        self.tx.put_membership(new).await?;
        self.tell(member_event(EventType::TenantMemberSet, new, before)?);
        Ok(())
    }
}

fn member_event(
    event_type: EventType,
    membership: &Membership,
    previous: Option<TenantRole>,
) -> Result<NewEvent> {
    Ok(NewEvent {
        event_type,
        subject: Subject { id: membership.tenant_id.to_string(), parent_id: None },
        tenant_id: Some(membership.tenant_id),
        previous: previous.map(|role| role.as_str().to_owned()),
        data: image(membership)?,
    })
}

/// A personal tenant has one owner for ever: the account that it came with.
fn keep_the_personal_owner(
    tenant: &Tenant,
    before: Option<TenantRole>,
    after: Option<TenantRole>,
) -> Result<()> {
    if tenant.personal && before.max(after) == Some(TenantRole::Owner) {
        return Err(Error::Conflict("the owner of a personal tenant is fixed".to_owned()));
    }
    Ok(())
}

/// Somebody must be left to say who belongs to it.
async fn keep_an_owner(tx: &mut dyn Transaction, tenant: &Tenant) -> Result<()> {
    let members = tx.memberships_of_tenants(&[tenant.id]).await?;
    if members.iter().any(|held| held.role == TenantRole::Owner) {
        return Ok(());
    }
    Err(Error::Conflict("the last owner can neither leave nor be demoted".to_owned()))
}

fn too_many(who: &str, what: &str) -> Error {
    Error::Conflict(format!("{who} at most {MOST_MEMBERSHIPS} {what}"))
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
