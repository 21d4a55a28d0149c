//! Who calls, and whether they may.

use std::sync::Arc;

use http::{HeaderMap, header};
use serde_json::Value;

use super::request::{Call, Target, Verb};
use crate::{
    access::{Access, Account},
    object::text,
    state::State,
    status_error::{Result, StatusError},
};

/// Those who are known; where nobody is, everyone is the administrator.
#[derive(Clone, Default)]
pub(crate) struct Rights(Option<Arc<[Account]>>);

impl Rights {
    pub fn of(accounts: Vec<Account>) -> Self {
        Self(Some(accounts.into()))
    }

    /// The account of a request; `None` for the administrator.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Option<&Account>> {
        let Some(accounts) = &self.0 else {
            return Ok(None);
        };
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = given.and_then(|given| given.strip_prefix("Bearer "));
        let known = accounts.iter().find(|account| token == Some(account.token.as_str()));
        known.map(Some).ok_or_else(StatusError::unauthorized)
    }
}

/// What a call takes, in the order in which it is asked for.
pub(super) fn accesses(state: &State, call: &Call) -> Vec<Access> {
    let mut needed = vec![access(call.verb.name(), &call.target)];
    let applies = call.verb == Verb::Patch && call.content_type == "application/apply-patch+yaml";
    if applies && state.storage.get(&call.target.key()).is_none() {
        needed.push(access("create", &call.target));
    }
    needed
}

/// Refuses before it is looked whether the object exists.
pub(super) fn check(account: &Account, needed: &[Access], call: &Call) -> Result<()> {
    let namespace = call.target.namespace.as_deref();
    match needed.iter().find(|access| !account.may(access, namespace)) {
        None => Ok(()),
        Some(missing) => {
            let place = match namespace {
                Some(namespace) => format!("in the namespace \"{namespace}\""),
                None => "at the cluster scope".to_owned(),
            };
            let Access { verb, group, resource } = missing;
            let why = format!(
                "User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}",
                account.name
            );
            let name = call.target.name.as_deref().unwrap_or_default();
            Err(StatusError::forbidden(call.target.kind, name, &why))
        }
    }
}

/// What an access review asks about.
pub(super) fn reviewed(attributes: &Value) -> (Access, Option<&str>) {
    let of = |key: &str| text(&attributes[key]).to_owned();
    let subresource = Some(of("subresource")).filter(|it| !it.is_empty());
    let resource = subresource.map_or(of("resource"), |it| format!("{}/{it}", of("resource")));
    let namespace = Some(text(&attributes["namespace"])).filter(|it| !it.is_empty());
    (Access { verb: of("verb"), group: of("group"), resource }, namespace)
}

fn access(verb: &str, target: &Target) -> Access {
    let plural = target.kind.plural;
    let resource = match target.subresource.as_str() {
        "" => plural.to_owned(),
        subresource => format!("{plural}/{subresource}"),
    };
    Access { verb: verb.to_owned(), group: target.kind.group.to_owned(), resource }
}
