//! The `proxy` subresource of Services and Pods: what a container answers, by way of the API server.

use std::sync::Arc;

use http::StatusCode;
use serde_json::Value;

use super::{answer::Answer, request::Call};
use crate::{
    kinds::{ENDPOINTS, POD, SERVICE},
    object::{int, items, text, uid},
    state::State,
    status_error::{Result, StatusError},
    storage::Key,
};

pub(super) fn forward(state: &State, call: &Call) -> Result<Answer> {
    let wanted = Wanted::of(call)?;
    let of_service = *call.target.kind == SERVICE;
    let (pod, port) = if of_service { wanted.endpoint(state)? } else { wanted.pod(state)? };
    let address = text(&pod["status"]["podIP"]);
    if wanted.scheme == "https" {
        return Err(unreachable("tls: first record does not look like a TLS handshake"));
    }
    let path = format!("/{}", call.target.path);
    let run = state.runs.get(uid(&pod));
    match run.and_then(|run| run.answer(port, &path)) {
        Some((status, text)) => Ok(Answer::text(status, text)),
        None => {
            Err(unreachable(&format!("dial tcp {address}:{port}: connect: connection refused")))
        }
    }
}

/// Whom a call is for: `name`, `name:port` or `scheme:name:port`.
struct Wanted<'a> {
    /// As it was given.
    id: &'a str,
    namespace: &'a str,
    scheme: &'a str,
    name: &'a str,
    port: &'a str,
}

impl<'a> Wanted<'a> {
    fn of(call: &'a Call) -> Result<Self> {
        let id = call.target.name.as_deref().unwrap_or_default();
        let namespace = call.target.namespace.as_deref().unwrap_or_default();
        let parts: Vec<&str> = id.split(':').collect();
        let (scheme, name, port) = match parts.as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme, name, port] => (*scheme, *name, *port),
            _ => ("", "", ""),
        };
        if name.is_empty() || !matches!(scheme, "" | "http" | "https") {
            let kind = call.target.kind.singular;
            return Err(StatusError::bad_request(format!("invalid {kind} request {id:?}")));
        }
        Ok(Self { id, namespace, scheme, name, port })
    }

    fn pod(&self, state: &State) -> Result<(Arc<Value>, i64)> {
        let pod = state.existing(&Key::new(&POD, self.namespace, self.name))?;
        let containers = items(&pod["spec"]["containers"]).iter();
        let first = containers.flat_map(|container| items(&container["ports"])).next();
        let port = match self.port {
            "" => first.map_or(80, |port| int(&port["containerPort"])),
            port => port.parse().unwrap_or_default(),
        };
        Ok((pod, port))
    }

    /// The first Pod that stands behind the Service's port.
    fn endpoint(&self, state: &State) -> Result<(Arc<Value>, i64)> {
        let service = state.existing(&Key::new(&SERVICE, self.namespace, self.name))?;
        let port = self.port_name(&service)?;
        let endpoints = state.existing(&Key::new(&ENDPOINTS, self.namespace, self.name))?;
        let subsets = items(&endpoints["subsets"]);
        if subsets.is_empty() {
            return Err(without_endpoints(self.name));
        }
        let found = subsets.iter().find_map(|subset| {
            let ports = items(&subset["ports"]);
            let port = ports.iter().find(|it| text(&it["name"]) == port)?;
            let address = items(&subset["addresses"]).first()?;
            let key = Key::new(&POD, self.namespace, text(&address["targetRef"]["name"]));
            Some((state.get(&key)?, int(&port["port"])))
        });
        found.ok_or_else(|| without_endpoints(self.id))
    }

    /// The port may be given by its number.
    fn port_name(&self, service: &'a Value) -> Result<&'a str> {
        let Ok(number) = self.port.parse::<i64>() else {
            return Ok(self.port);
        };
        let ports = items(&service["spec"]["ports"]);
        let found = ports.iter().find(|port| int(&port["port"]) == number);
        found.map(|port| text(&port["name"])).ok_or_else(|| {
            let name = self.name;
            unavailable(format!("no service port {number} found for service {name:?}"))
        })
    }
}

fn without_endpoints(service: &str) -> StatusError {
    unavailable(format!("no endpoints available for service {service:?}"))
}

fn unreachable(why: &str) -> StatusError {
    unavailable(format!("error trying to reach service: {why}"))
}

fn unavailable(message: String) -> StatusError {
    StatusError::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}
