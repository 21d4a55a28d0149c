use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{TenantId, UserId, VersionId},
    names,
    page::{PageKey, SortField},
};

/// A commit of a repository that can be rolled out. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    pub id: VersionId,
    pub tenant_id: TenantId,
    pub git_tag: String,
    pub git_commit: String,
    pub repository: String,
    pub description: String,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The caller's personal tenant where absent.
    pub tenant_id: Option<TenantId>,
    pub git_tag: String,
    pub git_commit: String,
    pub repository: String,
    pub description: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct VersionFilter {
    pub repository: Option<String>,
    pub tenant_id: Option<TenantId>,
    /// Deleted ones too.
    pub deleted: bool,
    pub visible: Option<Vec<TenantId>>,
}

impl Version {
    pub fn new(new: NewVersion, tenant_id: TenantId, by: UserId, now: Timestamp) -> Result<Self> {
        let NewVersion { tenant_id: _, git_tag, git_commit, repository, description } = new;
        Ok(Self {
            id: VersionId::fresh(),
            tenant_id,
            git_tag: checked_tag(git_tag)?,
            git_commit: checked_commit(&git_commit)?,
            repository: checked_repository(repository)?,
            description: names::optional_text("input.description", description.as_deref(), 2000)?,
            created_by: by,
            created_at: now,
            deleted_at: None,
        })
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, _: SortField) -> PageKey {
        PageKey::new(self.created_at, self.id)
    }
}

/// What git takes as a tag, of the characters that need no quoting anywhere.
fn checked_tag(tag: String) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+/".contains(c);
    let fits = (1..=128).contains(&tag.len())
        && tag.chars().all(plain)
        && !tag.starts_with(['-', '.', '/'])
        && !tag.ends_with(['.', '/'])
        && !tag.contains("..")
        && !tag.contains("//");
    match fits {
        true => Ok(tag),
        false => Err(Error::invalid("input.gitTag", "must be a git tag such as v1.0.0")),
    }
}

fn checked_commit(commit: &str) -> Result<String> {
    let fits = (7..=64).contains(&commit.len()) && commit.chars().all(|c| c.is_ascii_hexdigit());
    match fits {
        true => Ok(commit.to_ascii_lowercase()),
        false => Err(Error::invalid("input.gitCommit", "must be 7 to 64 hexadecimal digits")),
    }
}

/// By its form alone: only what builds an image ever dials it. Without user and password, which
/// belong into the application's secrets, and without what git would read as an option.
pub(super) fn checked_repository(repository: String) -> Result<String> {
    let rest = ["https://", "http://", "ssh://git@"]
        .iter()
        .find_map(|scheme| repository.strip_prefix(scheme));
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-~/:".contains(c);
    let fits = repository.len() <= 400
        && rest.and_then(|rest| rest.split_once('/')).is_some_and(|(host, path)| {
            !host.is_empty()
                && !host.starts_with(['-', '.', ':'])
                && !path.trim_matches('/').is_empty()
                && !path.contains("..")
                && host.chars().chain(path.chars()).all(plain)
        });
    match fits {
        true => Ok(repository),
        false => Err(Error::invalid(
            "input.repository",
            "must be an address like https://git.example.com/acme/api, without user and password",
        )),
    }
}

/// Whether two addresses are of one repository, however they are written.
pub(super) fn same_repository(one: &str, other: &str) -> bool {
    fn core(address: &str) -> String {
        let bare = address.trim_end_matches('/').trim_end_matches(".git");
        let bare = bare.split_once("://").map_or(bare, |(_, rest)| rest);
        bare.trim_start_matches("git@").to_ascii_lowercase()
    }
    core(one) == core(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_that_git_takes_and_nothing_else() {
        for good in ["v1.0.0", "1", "release/2026-11", "v1.0.0-rc.1+build"] {
            assert!(checked_tag(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "-v1", "a b", "a..b", "a/", ".a", "a//b", "a;b", "é"] {
            assert!(checked_tag(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_repository_is_an_address_without_secrets_or_tricks() {
        for good in ["https://github.com/org/repo", "ssh://git@host/a/b.git", "http://git:3000/a"] {
            assert!(checked_repository(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "github.com/org/repo",
            "https://host",
            "https://host/",
            "file:///etc/passwd",
            "https://user:pass@host/a",
            "https://host/a#b",
            "https://host/a b",
            "ext::sh -c x",
            "https://-x/a",
            "https://host/../a",
        ] {
            assert!(checked_repository(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(same_repository("https://Host/a/b.git", "ssh://git@host/a/b/"));
    }
}
