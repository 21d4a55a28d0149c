use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{ApiTokenId, UserId},
    names,
};

/// A credential for tools: it acts as its account, with no more than its scopes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    pub id: ApiTokenId,
    pub user_id: UserId,
    pub name: String,
    /// At least one, each once.
    pub scopes: Vec<TokenScope>,
    /// Of the secret; never part of an image.
    #[serde(skip)]
    pub hash: String,
    pub created_at: Timestamp,
    /// Good without an end where absent.
    pub expires_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// Every token reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenScope {
    /// Queries and subscriptions.
    Read,
    /// Mutations too.
    Write,
    /// The account's role ADMIN counts.
    Admin,
}

/// A fresh secret; `hash` is what is stored.
pub struct ApiSecret {
    pub secret: String,
    pub hash: String,
}

pub struct NewApiToken {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

impl TokenScope {
    const ALL: &[Self] = &[Self::Read, Self::Write, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    /// In one order, each once.
    fn parse_all(field: &str, texts: &[String]) -> Result<Vec<Self>> {
        let known = |text: &String| Self::ALL.iter().any(|scope| scope.as_str() == text);
        if texts.is_empty() || !texts.iter().all(known) {
            return Err(Error::invalid(field, "must be one or more of read, write and admin"));
        }
        let wanted = |scope: &Self| texts.iter().any(|text| scope.as_str() == text);
        Ok(Self::ALL.iter().copied().filter(wanted).collect())
    }
}

impl ApiToken {
    /// How exactly its last use is known.
    const USE_COUNTS_FOR: SignedDuration = SignedDuration::from_mins(1);

    pub(super) fn new(
        new: NewApiToken,
        user_id: UserId,
        hash: String,
        now: Timestamp,
    ) -> Result<Self> {
        let NewApiToken { name, scopes, expires_at } = new;
        if expires_at.is_some_and(|at| at <= now) {
            return Err(Error::invalid("input.expiresAt", "must be in the future"));
        }
        Ok(Self {
            id: ApiTokenId::fresh(),
            user_id,
            name: names::text("input.name", &name, 80)?,
            scopes: TokenScope::parse_all("input.scopes", &scopes)?,
            hash,
            created_at: now,
            expires_at: expires_at.map(crate::clock::truncated),
            last_used_at: None,
            revoked_at: None,
        })
    }

    /// Whether a use at this moment is news.
    pub fn use_is_news(last_used_at: Option<Timestamp>, now: Timestamp) -> bool {
        last_used_at.is_none_or(|at| now.duration_since(at) >= Self::USE_COUNTS_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_known_ordered_and_each_there_once() {
        let parse = |texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            TokenScope::parse_all("scopes", &texts)
        };

        assert_eq!(
            parse(&["write", "read", "write"]).unwrap(),
            [TokenScope::Read, TokenScope::Write]
        );
        for bad in [&[][..], &["Read"], &["read", "all"], &["read,write"]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
