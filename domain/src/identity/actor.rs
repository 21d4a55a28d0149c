use super::{Membership, User};
use crate::{
    error::{Error, Result},
    ids::{SessionId, TenantId},
};

/// Who makes a call.
#[derive(Clone, Debug)]
pub enum Caller {
    Anonymous,
    User(Box<Actor>),
}

/// A user with a live token, as read when the call began.
#[derive(Clone, Debug)]
pub struct Actor {
    pub user: User,
    pub memberships: Vec<Membership>,
    /// The login that the token came from.
    pub session_id: SessionId,
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
}

impl Actor {
    pub fn scope(&self) -> Scope {
        if self.user.is_admin() {
            return Scope::All;
        }
        Scope::Tenants(self.memberships.iter().map(|m| m.tenant_id).collect())
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
