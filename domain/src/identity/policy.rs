//! Who may do what: one table, asked by every use case.

use super::{Actor, TenantRole, UserStatus};
use crate::{
    error::{Error, Result},
    ids::{TenantId, UserId},
};

/// What a caller wants with a tenant's rows or with the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read the tenant's rows and follow their changes.
    See,
    /// Order, and command workloads.
    Change,
    /// Manage products, users and quotas.
    Administer,
}

/// What a caller is to a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Stranger,
    Viewer,
    Member,
    Owner,
    Admin,
}

/// The whole policy.
pub fn allows(relation: Relation, action: Action) -> bool {
    use Relation::*;
    match action {
        Action::See => relation != Stranger,
        Action::Change => matches!(relation, Member | Owner | Admin),
        Action::Administer => relation == Admin,
    }
}

impl Actor {
    pub fn relation(&self, tenant: TenantId) -> Relation {
        if self.user.is_admin() {
            return Relation::Admin;
        }
        match self.memberships.iter().find(|m| m.tenant_id == tenant).map(|m| m.role) {
            None => Relation::Stranger,
            Some(TenantRole::Viewer) => Relation::Viewer,
            Some(TenantRole::Member) => Relation::Member,
            Some(TenantRole::Owner) => Relation::Owner,
        }
    }

    pub fn sees(&self, tenant: TenantId) -> bool {
        allows(self.relation(tenant), Action::See)
    }

    /// Whether the caller may look an account up: itself, or any as an administrator.
    pub fn sees_account(&self, id: UserId) -> bool {
        self.user.id == id || self.user.is_admin()
    }

    /// Refuses what the caller lacks the right to, on something that the caller may see.
    pub fn may_change(&self, tenant: TenantId) -> Result<()> {
        self.unrestricted()?;
        if allows(self.relation(tenant), Action::Change) {
            return Ok(());
        }
        Err(Error::Forbidden("this needs the role OWNER or MEMBER in the tenant".to_owned()))
    }

    pub fn may_administer(&self) -> Result<()> {
        self.unrestricted()?;
        if self.user.is_admin() {
            return Ok(());
        }
        Err(Error::Forbidden("this needs the role ADMIN".to_owned()))
    }

    fn unrestricted(&self) -> Result<()> {
        if self.user.status == UserStatus::Enabled {
            return Ok(());
        }
        Err(Error::Forbidden("the account is restricted: it may read only".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_and_admins_change_and_strangers_see_nothing() {
        use Relation::*;
        let table: Vec<_> = [Stranger, Viewer, Member, Owner, Admin]
            .map(|r| {
                (allows(r, Action::See), allows(r, Action::Change), allows(r, Action::Administer))
            })
            .into();

        assert_eq!(
            table,
            [
                (false, false, false),
                (true, false, false),
                (true, true, false),
                (true, true, false),
                (true, true, true),
            ]
        );
    }
}
