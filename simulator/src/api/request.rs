//! What a request asks for.

use std::time::Duration;

use axum::body::Bytes;
use http::{HeaderMap, Method, StatusCode, header};

use super::{events_v1, query::Query, representation::Representation};
use crate::{
    kinds::{EVENT, Kind, NAMESPACE, POD, SERVICE, find},
    status_error::{Result, StatusError},
    storage::Key,
};

/// The resource of a path, and the object if it names one.
pub(super) struct Target {
    pub kind: &'static Kind,
    pub namespace: Option<String>,
    pub name: Option<String>,
    /// Empty for the object itself.
    pub subresource: String,
    /// What follows `proxy`.
    pub path: String,
    /// Whether it is asked for in a group that only shows it.
    pub renamed: bool,
}

impl Target {
    pub fn of(path: &str) -> Result<Self> {
        let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(StatusError::no_such_resource()),
        };
        match rest {
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => {
                Self::at(group, version, None, rest)
            }
            ["namespaces", namespace, rest @ ..] => Self::at(group, version, Some(namespace), rest),
            rest => Self::at(group, version, None, rest),
        }
    }

    fn at(group: &str, version: &str, namespace: Option<&str>, rest: &[&str]) -> Result<Self> {
        let (plural, name, subresource, path) = match rest {
            [plural] => (*plural, None, "", &[][..]),
            [plural, name] => (*plural, Some(*name), "", &[][..]),
            [plural, name, "proxy", path @ ..] => (*plural, Some(*name), "proxy", path),
            [plural, name, subresource] => (*plural, Some(*name), *subresource, &[][..]),
            _ => return Err(StatusError::no_such_resource()),
        };
        let renamed = (group, version, plural) == (events_v1::GROUP, "v1", "events");
        let kind = if renamed { Some(&EVENT) } else { find(group, version, plural) };
        let kind = kind.ok_or_else(StatusError::no_such_resource)?;
        let scoped = kind.namespaced || namespace.is_none();
        let complete = !kind.namespaced || namespace.is_some() || name.is_none();
        if !scoped || !complete || !has_subresource(kind, subresource) {
            return Err(StatusError::no_such_resource());
        }
        Ok(Self {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            subresource: subresource.to_owned(),
            path: path.join("/"),
            renamed,
        })
    }

    pub fn key(&self) -> Key {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        Key::new(self.kind, namespace, self.name.as_deref().unwrap_or_default())
    }
}

fn has_subresource(kind: &Kind, subresource: &str) -> bool {
    match subresource {
        "" => true,
        "status" => kind.status,
        "scale" => kind.scale,
        "log" => *kind == POD,
        "proxy" => *kind == POD || *kind == SERVICE,
        _ => false,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    pub fn of(method: &Method, target: &Target, query: &Query) -> Result<Self> {
        let verb = match (method.as_str(), target.name.is_some()) {
            ("GET" | "HEAD", true) => Self::Get,
            ("POST", true) if target.subresource == "proxy" => Self::Create,
            ("GET", false) if query.flag("watch") => Self::Watch,
            ("GET", false) => Self::List,
            ("POST", false) => Self::Create,
            ("PUT", true) => Self::Update,
            ("PATCH", true) => Self::Patch,
            ("DELETE", true) => Self::Delete,
            ("DELETE", false) if *target.kind != NAMESPACE => Self::DeleteCollection,
            _ => return Err(StatusError::method_not_allowed()),
        };
        let read_only = (target.renamed || target.subresource == "log") && !is_read(method);
        let kept = !matches!(target.subresource.as_str(), "" | "proxy") && verb == Self::Delete;
        let homeless = verb == Self::Create && target.kind.namespaced && target.namespace.is_none();
        if read_only || kept || homeless {
            return Err(StatusError::method_not_allowed());
        }
        Ok(verb)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// Only reading is allowed on some paths.
pub(super) fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

pub(super) struct Call {
    pub verb: Verb,
    pub target: Target,
    pub query: Query,
    /// Who writes, by `fieldManager` or by the name of the client.
    pub manager: String,
    pub content_type: String,
    pub representation: Representation,
    pub body: Bytes,
}

pub(super) fn manager(query: &Query, headers: &HeaderMap) -> String {
    let client = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let client = client.and_then(|agent| agent.split('/').next()).filter(|name| !name.is_empty());
    query.text("fieldManager").or(client).unwrap_or("unknown").to_owned()
}

pub(super) fn representation(
    headers: &HeaderMap,
    query: &Query,
    target: &Target,
) -> Representation {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    Representation::of(accept, query, target.renamed)
}

pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.and_then(|value| value.split(';').next()).unwrap_or("application/json");
    kind.trim().to_owned()
}

pub(super) fn check_accept(headers: &HeaderMap) -> Result<()> {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let acceptable = accept.is_none_or(|accept| {
        accept.split(',').map(str::trim).any(|part| {
            ["application/json", "application/*", "*/*"]
                .iter()
                .any(|known| part.split(';').next() == Some(*known))
        })
    });
    if acceptable { Ok(()) } else { Err(StatusError::not_acceptable()) }
}

/// An ordered failure, as the real server would phrase it.
pub(super) fn failure(code: u16, wait: Option<Duration>) -> StatusError {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (reason, message) = match code.as_u16() {
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden"),
        409 => ("Conflict", "the object has been modified"),
        429 => ("TooManyRequests", "Too many requests, please try again later."),
        500 => ("InternalError", "Internal error occurred"),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
        _ => ("", "the server rejected our request for an unknown reason"),
    };
    let refusal = StatusError::new(code, reason, message);
    match wait {
        Some(wait) => refusal.retry_after(wait.as_secs()),
        None => refusal,
    }
}
