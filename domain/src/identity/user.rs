use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::UserId,
    names,
    page::{PageKey, SortField},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub id: UserId,
    /// Small and given out by the store, below 2^23: what snowflakes carry.
    pub number: i64,
    /// Trimmed and lower-case.
    pub email: String,
    /// Never part of an image.
    #[serde(skip)]
    pub password_hash: String,
    pub nickname: String,
    pub status: UserStatus,
    /// Why an administrator set the status.
    pub status_reason: Option<String>,
    pub roles: Vec<Role>,
    /// Tokens that carry an older one are dead.
    pub token_version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UserStatus {
    Enabled,
    /// Cannot log in; tokens are dead.
    Disabled,
    /// May log in and read, not order nor change workloads.
    Restricted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    User,
    Admin,
}

#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    pub status: Option<Vec<UserStatus>>,
    pub role: Option<Role>,
    pub email: Option<String>,
}

impl UserStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::Restricted => "RESTRICTED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Enabled, Self::Disabled, Self::Restricted].into_iter().find(|s| s.as_str() == text)
    }
}

impl User {
    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
            SortField::Email => self.email.as_str().into(),
            _ => self.created_at.into(),
        };
        PageKey::of(by, value, self.id)
    }

    pub fn is_admin(&self) -> bool {
        self.roles.contains(&Role::Admin)
    }

    /// Disabling an account ends what tokens there are, for good.
    pub fn with_status(
        mut self,
        status: UserStatus,
        reason: Option<String>,
        now: Timestamp,
    ) -> Self {
        if status == UserStatus::Disabled && self.status != status {
            self.token_version += 1;
        }
        self.status = status;
        self.status_reason = reason;
        self.updated_at = now;
        self
    }

    /// Ends every access token there is.
    pub fn with_dead_tokens(mut self, now: Timestamp) -> Self {
        self.token_version += 1;
        self.updated_at = now;
        self
    }

    pub fn with_roles(mut self, roles: Vec<Role>, now: Timestamp) -> Self {
        self.roles = roles;
        self.updated_at = now;
        self
    }
}

/// An e-mail address as it is compared and stored.
pub fn email(field: &str, text: &str) -> Result<String> {
    let text = text.trim().to_lowercase();
    let fits = text.len() <= 254
        && text.split_once('@').is_some_and(|(local, host)| is_local_part(local) && is_host(host));
    if fits { Ok(text) } else { Err(Error::invalid(field, "must be an e-mail address")) }
}

/// What stands before the `@`, without the quoted form that nobody uses.
fn is_local_part(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(fits)
}

/// Names between dots, in any script.
fn is_host(text: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || c == '-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(fits)
    };
    text.split('.').all(is_label)
}

/// At least 8 characters; at most 1,024 bytes, so that hashing stays bounded.
pub fn password<'a>(field: &str, text: &'a str) -> Result<&'a str> {
    if text.chars().count() < 8 || text.len() > 1024 {
        return Err(Error::invalid(
            field,
            "must have at least 8 characters and at most 1024 bytes",
        ));
    }
    Ok(text)
}

pub fn nickname(field: &str, text: &str) -> Result<String> {
    names::text(field, text, 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_in_lower_case_and_without_blanks_around() {
        assert_eq!(
            email("email", " Ada.Lovelace+tag@Example.COM ").unwrap(),
            "ada.lovelace+tag@example.com"
        );
        for good in ["a@b", "admin@slipway.local", "o'hara@example.org", "jörg@müller.example"] {
            assert!(email("email", good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let (long, local) = ("a".repeat(250), "a".repeat(65));
        let cases = [
            "",
            "@",
            "a",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            "a@b c",
            "a@.b",
            "a@b.",
            "a@b..c",
            "a@-b",
            "a@b-",
            "a@b_c",
            "<a@b>",
            "a@b,c@d",
            "a\0@b",
            "a\n@b",
            "a@b\r\nbcc:c",
            "\"a\"@b",
            "a@[127.0.0.1]",
            "a\u{202e}@b",
        ];
        for bad in cases
            .map(str::to_owned)
            .into_iter()
            .chain([format!("{long}@b.c"), format!("{local}@b")])
        {
            assert!(email("email", &bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_has_at_least_8_characters_and_at_most_1024_bytes() {
        assert!(password("password", "pässword").is_ok());
        assert!(password("password", &"a".repeat(1024)).is_ok());
        assert!(password("password", "pässwor").is_err());
        assert!(password("password", &"a".repeat(1025)).is_err());
    }
}
