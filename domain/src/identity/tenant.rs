use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{TenantId, UserId};

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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub role: TenantRole,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TenantRole {
    Owner,
    Member,
    Viewer,
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
    /// The namespace on the platform's own cluster that `given` stands for.
    pub fn namespace(&self, given: &str) -> String {
        format!("slipway-{}-{given}", self.org_id)
    }
}
