//! What the cluster offers, its version and its health.

use http::{StatusCode, request::Parts};
use serde_json::{Value, json};

use super::{answer::Answer, request::is_read};
use crate::{
    kinds::{KINDS, Kind, NAMESPACE, POD},
    status_error::StatusError,
};

/// The answer, if the path is none of a resource.
pub(super) fn answer(parts: &Parts) -> Option<Answer> {
    let segments: Vec<&str> = parts
        .uri
        .path()
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let body = match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => return Some(Answer::text(StatusCode::OK, "ok")),
        ["version"] => version(),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups().map(group).collect::<Vec<Value>>(),
        }),
        ["api", "v1"] => resources("", "v1"),
        ["apis", name] if groups().any(|group| group == *name) => {
            let mut one = group(name);
            one["kind"] = json!("APIGroup");
            one["apiVersion"] = json!("v1");
            one
        }
        ["apis", name, "v1"] if groups().any(|group| group == *name) => resources(name, "v1"),
        ["api", "v1", ..] => return None,
        ["apis", name, "v1", ..] if groups().any(|group| group == *name) => return None,
        _ => return Some(Answer::text(StatusCode::NOT_FOUND, "404 page not found\n")),
    };
    Some(if is_read(&parts.method) {
        Answer::ok(body)
    } else {
        Answer::refusal(&StatusError::method_not_allowed())
    })
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.2+simulated",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": "simulated",
    })
}

/// The named groups, each once.
fn groups() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<&str> = KINDS
        .iter()
        .map(|kind| kind.group)
        .filter(|group| !group.is_empty())
        .collect();
    names.dedup();
    names.into_iter()
}

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resources(group: &str, version: &str) -> Value {
    let kinds = KINDS.iter().copied().filter(|kind| kind.group == group);
    let resources: Vec<Value> = kinds.flat_map(described).collect();
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    })
}

/// A kind and its subresources.
fn described(kind: &Kind) -> Vec<Value> {
    let mut verbs = vec![
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    ];
    if *kind == NAMESPACE {
        verbs.retain(|verb| *verb != "deletecollection");
    }
    let mut resource = json!({
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": verbs,
    });
    if !kind.short_names.is_empty() {
        resource["shortNames"] = json!(kind.short_names);
    }
    if kind.in_all {
        resource["categories"] = json!(["all"]);
    }
    let mut all = vec![resource];
    let part = |name: &str, of: &str, verbs: &[&str]| {
        json!({
            "name": format!("{}/{name}", kind.plural),
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": of,
            "verbs": verbs,
        })
    };
    let changing = ["get", "patch", "update"];
    if *kind == POD {
        all.push(part("log", kind.name, &["get"]));
    }
    if kind.scale {
        let mut scale = part("scale", "Scale", &changing);
        scale["group"] = json!("autoscaling");
        scale["version"] = json!("v1");
        all.push(scale);
    }
    if kind.status {
        all.push(part("status", kind.name, &changing));
    }
    all
}
