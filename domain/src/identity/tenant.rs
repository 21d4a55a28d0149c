use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Actor, Credential, User};
use crate::{
    error::{Error, Result},
    ids::{TenantId, UserId},
    names,
};

/// A user with the tenants that they are a member of.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: User,
    pub memberships: Vec<Membership>,
    pub tenants: Vec<Tenant>,
}

impl Account {
    /// Whoever has shown what lets them in, and their tenants.
    pub(crate) fn into_actor(self, credential: Credential) -> (Actor, Vec<Tenant>) {
        let Self { user, memberships, tenants } = self;
        let mut held = memberships.iter().zip(&tenants);
        let home = held.find(|(held, it)| it.personal && held.role == TenantRole::Owner);
        let home = home.map(|(_, tenant)| tenant.id);
        (Actor { user, memberships, home, credential }, tenants)
    }
}

/// The organisation that owns rows. Every user has a personal one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    pub id: TenantId,
    /// Unique and a DNS label: it becomes part of namespace names.
    pub org_id: String,
    pub name: String,
    pub personal: bool,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub role: TenantRole,
}

/// From the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TenantRole {
    Viewer,
    Member,
    Owner,
}

impl TenantRole {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "OWNER",
            Self::Member => "MEMBER",
            Self::Viewer => "VIEWER",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Owner, Self::Member, Self::Viewer].into_iter().find(|role| role.as_str() == text)
    }
}

impl Tenant {
    /// Leaves 23 of a namespace's 63 characters to the name given in `slipway-<org id>--<name>`.
    pub const LONGEST_ORG_ID: usize = 30;
    const LONGEST_NAMESPACE: usize = 63;
    /// What the org ids of personal tenants begin with.
    const PERSONAL: &str = "personal";

    pub fn personal_org_id(number: i64) -> String {
        format!("{}-{number}", Self::PERSONAL)
    }

    /// The namespace on the platform's own cluster that `given` stands for. An org id has no two
    /// hyphens in a row, so the first two end it: no two tenants can mean the same namespace.
    pub fn namespace(&self, given: &str) -> String {
        format!("slipway-{}--{given}", self.org_id)
    }

    /// How long a given name may be, for its namespace to be one.
    pub fn longest_namespace(&self) -> usize {
        Self::LONGEST_NAMESPACE.saturating_sub(self.namespace("").len())
    }
}

/// An org id that people may choose: those of personal tenants are given out.
pub fn org_id(field: &str, text: &str) -> Result<String> {
    let org_id = names::dns_label(field, text, Tenant::LONGEST_ORG_ID)?;
    if org_id.split('-').next() == Some(Tenant::PERSONAL) {
        return Err(Error::invalid(field, "must not begin with personal"));
    }
    if org_id.contains("--") {
        return Err(Error::invalid(field, "must not hold two hyphens in a row"));
    }
    Ok(org_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_org_id_leaves_room_in_its_namespace_and_is_nobodys_personal_one() {
        for good in ["acme", "acme-eu", "3com", "personality", &"a".repeat(30)] {
            assert!(org_id("orgId", good).is_ok(), "{good}");
        }
        let long = "a".repeat(31);
        for bad in
            ["", "Acme", "acme-", "-acme", "ac--me", "ac_me", "personal", "personal-7", &long]
        {
            assert!(org_id("orgId", bad).is_err(), "{bad}");
        }
    }

    fn tenant(org_id: &str) -> Tenant {
        Tenant {
            id: TenantId::fresh(),
            org_id: org_id.to_owned(),
            name: org_id.to_owned(),
            personal: false,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn no_two_tenants_mean_the_same_namespace() {
        for (org_id, given) in [("a", "b-apps"), ("a-b", "apps"), ("a", "b--apps"), ("b", "apps")] {
            let namespace = tenant(org_id).namespace(given);

            let rest = namespace.strip_prefix("slipway-").expect("they all begin so");
            assert_eq!(rest.split_once("--"), Some((org_id, given)));
        }
    }

    #[test]
    fn the_longest_given_name_makes_a_namespace() {
        for org_id in ["a", "acme", &"a".repeat(30)] {
            let tenant = tenant(org_id);

            let given = "n".repeat(tenant.longest_namespace());

            assert_eq!(tenant.namespace(&given).len(), 63);
        }
    }
}
