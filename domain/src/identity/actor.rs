use std::sync::Arc;

use jiff::Timestamp;

use super::{Action, Membership, Relation, TenantRole, TokenScope, User};
use crate::{
    error::{Error, Result},
    ids::{ApiTokenId, SessionId, TenantId, UserId},
};

/// What somebody shows to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ticket {
    /// An access token, whose signature has been checked.
    Login { user: UserId, token_version: i64, session: SessionId },
    /// An API token, by the hash of its secret.
    ApiToken { hash: String },
}

/// Who makes a call.
#[derive(Clone, Debug)]
pub enum Caller {
    Anonymous,
    User(Arc<Actor>),
}

/// A user with a live token, as read when the call began.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: User,
    pub memberships: Vec<Membership>,
    /// The personal tenant.
    pub home: Option<TenantId>,
    pub credential: Credential,
}

/// What lets an actor in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Login(SessionId),
    /// A command of the program itself, on the machine that it runs on.
    Console,
    ApiToken {
        id: ApiTokenId,
        scopes: Vec<TokenScope>,
        expires_at: Option<Timestamp>,
        last_used_at: Option<Timestamp>,
    },
}

/// The rows that a caller may see.
#[derive(Clone, Debug)]
pub enum Scope {
    All,
    Tenants(Vec<TenantId>),
}

impl Caller {
    pub fn actor(&self) -> Result<&Actor> {
        match self {
            Self::Anonymous => Err(Error::Unauthenticated),
            Self::User(actor) => Ok(actor),
        }
    }

    /// Whether what this caller may see and do is allowed to the other one too, who is the same
    /// account.
    pub fn is_covered_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anonymous, _) => true,
            (Self::User(_), Self::Anonymous) => false,
            (Self::User(old), Self::User(new)) => old.is_covered_by(new),
        }
    }
}

impl Actor {
    /// The same text for the same account with the same rights, by whatever credential.
    pub fn sight(&self) -> String {
        let Self { user, memberships, home: _, credential } = self;
        let scopes = match credential {
            Credential::Login(_) | Credential::Console => None,
            Credential::ApiToken { scopes, .. } => Some(scopes),
        };
        format!("{} {:?} {:?} {memberships:?} {scopes:?}", user.id, user.status, user.roles)
    }

    /// Whether the role counts: of an API token only with the scope for it.
    pub fn is_admin(&self) -> bool {
        let in_scope = match &self.credential {
            Credential::Login(_) | Credential::Console => true,
            Credential::ApiToken { scopes, .. } => scopes.contains(&TokenScope::Admin),
        };
        in_scope && self.user.is_admin()
    }

    pub fn role_in(&self, tenant: TenantId) -> Option<TenantRole> {
        self.memberships.iter().find(|held| held.tenant_id == tenant).map(|held| held.role)
    }

    pub fn scope(&self) -> Scope {
        if self.is_admin() && Action::See.is_allowed_to(Relation::Admin) {
            return Scope::All;
        }
        let tenants = self.memberships.iter().map(|held| held.tenant_id);
        Scope::Tenants(tenants.filter(|tenant| self.sees(*tenant)).collect())
    }

    fn is_covered_by(&self, other: &Self) -> bool {
        let keeps = |held: &Membership| other.role_in(held.tenant_id) >= Some(held.role);
        self.user.id == other.user.id
            && self.user.status == other.user.status
            && (!self.is_admin() || other.is_admin())
            && self.changes_as_much_as(other)
            && self.memberships.iter().all(keeps)
    }

    /// Whether the other one has the scopes that this one has.
    fn changes_as_much_as(&self, other: &Self) -> bool {
        match (&self.credential, &other.credential) {
            (_, Credential::Login(_) | Credential::Console) => true,
            (Credential::Login(_) | Credential::Console, Credential::ApiToken { .. }) => false,
            (Credential::ApiToken { scopes, .. }, Credential::ApiToken { scopes: others, .. }) => {
                scopes.iter().all(|scope| others.contains(scope))
            }
        }
    }
}

impl Scope {
    /// The tenants to narrow a list to; `None` does not narrow.
    pub fn tenants(self) -> Option<Vec<TenantId>> {
        match self {
            Self::All => None,
            Self::Tenants(tenants) => Some(tenants),
        }
    }
}
