use http::{StatusCode, header, request::Parts};
use serde_json::{Value, json};

use super::{
    aggregated,
    resources::{GROUPS, of_group},
};
use crate::{
    api::{answer::Answer, request::is_read},
    status_error::StatusError,
};

/// The answer, if the path is none of a resource.
pub(in crate::api) fn answer(parts: &Parts) -> Option<Answer> {
    let segments: Vec<&str> =
        parts.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let accept = parts.headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let aggregated = aggregated::is_accepted(accept);
    let body = match segments.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => return Some(health(parts)),
        ["version"] => version(),
        ["api"] if aggregated => return Some(all_of(&[""])),
        ["apis"] if aggregated => return Some(all_of(&GROUPS)),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": GROUPS.map(group),
        }),
        ["api", "v1"] => resource_list(""),
        ["apis", name] if GROUPS.contains(name) => {
            let mut one = group(name);
            one["kind"] = json!("APIGroup");
            one["apiVersion"] = json!("v1");
            one
        }
        ["apis", name, "v1"] if GROUPS.contains(name) => resource_list(name),
        ["api", "v1", ..] => return None,
        ["apis", name, "v1", ..] if GROUPS.contains(name) => return None,
        _ => return Some(Answer::text(StatusCode::NOT_FOUND, "404 page not found\n")),
    };
    Some(if is_read(&parts.method) {
        Answer::ok(body)
    } else {
        Answer::refusal(&StatusError::method_not_allowed())
    })
}

fn all_of(groups: &[&str]) -> Answer {
    Answer::ok(aggregated::list(groups)).of_type(aggregated::CONTENT_TYPE)
}

fn health(parts: &Parts) -> Answer {
    let verbose = parts.uri.query().is_some_and(|query| query.contains("verbose"));
    let path = parts.uri.path().trim_start_matches('/');
    let text = if verbose { format!("[+]ping ok\n{path} check passed\n") } else { "ok".to_owned() };
    Answer::text(StatusCode::OK, text)
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

fn group(name: &str) -> Value {
    let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
    json!({"name": name, "versions": [version], "preferredVersion": version})
}

fn resource_list(group: &str) -> Value {
    let mut list = json!({"kind": "APIResourceList", "resources": of_group(group)});
    if group.is_empty() {
        list["groupVersion"] = json!("v1");
    } else {
        list["apiVersion"] = json!("v1");
        list["groupVersion"] = json!(format!("{group}/v1"));
    }
    list
}
