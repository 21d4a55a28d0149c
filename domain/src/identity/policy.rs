//! Who may do what: one table, asked by every use case. What it does not allow is refused.

use super::{Actor, Caller, Credential, TenantRole, TokenScope, UserStatus};
use crate::{
    error::{Error, Result},
    ids::{TenantId, UserId},
};

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Look at the catalogue and at the platform itself.
    Browse,
    /// Read a tenant's rows and follow their changes.
    See,
    /// Order, and command workloads, in a tenant.
    Change,
    /// Say who belongs to a tenant.
    ManageMembers,
    /// Give up one's own place in a tenant.
    Leave,
    /// Open a tenant as an account.
    OpenTenant,
    /// Look an account and its API tokens up.
    SeeAccount,
    /// Log an account out, or change its password.
    Secure,
    /// Make an API token for an account.
    IssueToken,
    /// End an API token of an account.
    RevokeToken,
    /// Read what belongs to no tenant: all accounts, products that are not on sale.
    Oversee,
    /// Manage products and accounts.
    Administer,
}

/// What an action is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    Platform,
    Tenant(TenantId),
    Account(UserId),
}

/// What a caller is to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Nobody in particular.
    Anonymous,
    /// An account that has nothing to do with it.
    Stranger,
    Viewer,
    Member,
    Owner,
    /// It is the caller's own account.
    Holder,
    Admin,
}

/// When an action is allowed.
#[derive(Clone, Copy)]
struct Rule {
    allowed: &'static [Relation],
    /// Changes something: not for a restricted account, nor for an API token without `write`.
    changes: bool,
    /// Takes a login: no API token will do.
    login: bool,
    /// What to say to those who lack it.
    needs: &'static str,
}

impl Relation {
    pub const ALL: &[Self] = &[
        Self::Anonymous,
        Self::Stranger,
        Self::Viewer,
        Self::Member,
        Self::Owner,
        Self::Holder,
        Self::Admin,
    ];
}

impl Action {
    /// The whole policy.
    const fn rule(self) -> Rule {
        use Relation::{Admin, Holder, Member, Owner, Viewer};
        match self {
            Self::Browse => reads(Relation::ALL, ""),
            Self::See => reads(&[Viewer, Member, Owner, Admin], "a role in the tenant"),
            Self::Change => {
                changes(&[Member, Owner, Admin], "the role OWNER or MEMBER in the tenant")
            }
            Self::ManageMembers => changes(&[Owner, Admin], "the role OWNER in the tenant"),
            Self::Leave => changes(&[Viewer, Member, Owner], "a role in the tenant"),
            Self::OpenTenant => changes(&[Holder], "the account itself"),
            Self::SeeAccount => reads(&[Holder, Admin], "the account itself"),
            Self::Secure => logged_in(reads(&[Holder], "the account itself")),
            Self::IssueToken => logged_in(changes(&[Holder], "the account itself")),
            Self::RevokeToken => logged_in(reads(&[Holder, Admin], "the account itself")),
            Self::Oversee => reads(&[Admin], "the role ADMIN"),
            Self::Administer => changes(&[Admin], "the role ADMIN"),
        }
    }

    pub fn is_allowed_to(self, relation: Relation) -> bool {
        self.rule().allowed.contains(&relation)
    }
}

const fn reads(allowed: &'static [Relation], needs: &'static str) -> Rule {
    Rule { allowed, changes: false, login: false, needs }
}

const fn changes(allowed: &'static [Relation], needs: &'static str) -> Rule {
    Rule { changes: true, ..reads(allowed, needs) }
}

const fn logged_in(rule: Rule) -> Rule {
    Rule { login: true, ..rule }
}

impl Caller {
    /// Refuses what the caller may not do.
    pub fn may(&self, action: Action, object: Object) -> Result<()> {
        match self {
            Self::User(actor) => actor.may(action, object),
            Self::Anonymous if action.is_allowed_to(Relation::Anonymous) => Ok(()),
            Self::Anonymous => Err(Error::Unauthenticated),
        }
    }
}

impl Actor {
    pub fn relation(&self, object: Object) -> Relation {
        if let Object::Account(id) = object
            && id == self.user.id
        {
            return Relation::Holder;
        }
        if self.is_admin() {
            return Relation::Admin;
        }
        let Object::Tenant(id) = object else { return Relation::Stranger };
        match self.role_in(id) {
            None => Relation::Stranger,
            Some(TenantRole::Viewer) => Relation::Viewer,
            Some(TenantRole::Member) => Relation::Member,
            Some(TenantRole::Owner) => Relation::Owner,
        }
    }

    /// Refuses what the caller may not do, and says what it takes.
    pub fn may(&self, action: Action, object: Object) -> Result<()> {
        let rule = action.rule();
        if rule.changes && self.user.status != UserStatus::Enabled {
            return Err(forbidden("the account is restricted: it may read only"));
        }
        if let Credential::ApiToken { scopes, .. } = &self.credential {
            if rule.login {
                return Err(forbidden("this needs a login: API tokens may not do it"));
            }
            if rule.changes && !scopes.contains(&TokenScope::Write) {
                return Err(forbidden("this needs the scope write"));
            }
        }
        if action.is_allowed_to(self.relation(object)) {
            return Ok(());
        }
        match self.user.is_admin() && action.is_allowed_to(Relation::Admin) {
            true => Err(forbidden("this needs the scope admin")),
            false => Err(forbidden(&format!("this needs {}", rule.needs))),
        }
    }

    pub fn sees(&self, tenant: TenantId) -> bool {
        self.may(Action::See, Object::Tenant(tenant)).is_ok()
    }

    /// Whether the caller may look an account up.
    pub fn sees_account(&self, id: UserId) -> bool {
        self.may(Action::SeeAccount, Object::Account(id)).is_ok()
    }
}

fn forbidden(why: &str) -> Error {
    Error::Forbidden(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whom each action is allowed to, in the order of [`Relation::ALL`].
    const TABLE: &[(Action, &str)] = &[
        (Action::Browse, "everybody"),
        (Action::See, "Viewer Member Owner Admin"),
        (Action::Change, "Member Owner Admin"),
        (Action::ManageMembers, "Owner Admin"),
        (Action::Leave, "Viewer Member Owner"),
        (Action::OpenTenant, "Holder"),
        (Action::SeeAccount, "Holder Admin"),
        (Action::Secure, "Holder"),
        (Action::IssueToken, "Holder"),
        (Action::RevokeToken, "Holder Admin"),
        (Action::Oversee, "Admin"),
        (Action::Administer, "Admin"),
    ];

    #[test]
    fn nobody_may_do_what_the_table_does_not_allow() {
        for (action, expected) in TABLE {
            let allowed: Vec<_> = Relation::ALL
                .iter()
                .filter(|relation| action.is_allowed_to(**relation))
                .map(|relation| format!("{relation:?}"))
                .collect();

            let everybody = allowed.len() == Relation::ALL.len();
            let allowed = if everybody { "everybody".to_owned() } else { allowed.join(" ") };
            assert_eq!(allowed, *expected, "{action:?}");
        }
    }
}
