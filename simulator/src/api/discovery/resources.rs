//! The resources of each group, as an `APIResourceList` describes them.

use serde_json::{Value, json};

use crate::{
    api::{events_v1, reviews},
    kinds::{EVENT, KINDS, Kind, NAMESPACE, POD, SERVICE},
};

/// The named groups, in the order that discovery names them.
pub(super) const GROUPS: [&str; 10] = [
    "apps",
    events_v1::GROUP,
    reviews::AUTHENTICATION,
    reviews::AUTHORIZATION,
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
];

/// The kinds and subresources of a group; the core group has no name.
pub(super) fn of_group(group: &str) -> Vec<Value> {
    let kinds = KINDS.iter().copied().filter(|kind| kind.group == group);
    let mut resources: Vec<Value> = kinds.flat_map(described).collect();
    if group == events_v1::GROUP {
        let mut events = described(&EVENT);
        events[0]["verbs"] = json!(["get", "list", "watch"]);
        resources.extend(events);
    }
    resources.extend(reviews::of_group(group).map(|(name, kind)| {
        json!({
            "name": name,
            "singularName": kind.to_lowercase(),
            "namespaced": false,
            "kind": kind,
            "verbs": ["create"],
        })
    }));
    resources
}

/// A kind and its subresources.
fn described(kind: &Kind) -> Vec<Value> {
    let mut verbs =
        vec!["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
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
    if *kind == POD || *kind == SERVICE {
        let verbs = ["create", "delete", "get", "patch", "update"];
        all.push(part("proxy", &format!("{}ProxyOptions", kind.name), &verbs));
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

#[cfg(test)]
mod tests {
    use super::GROUPS;
    use crate::kinds::KINDS;

    #[test]
    fn every_group_is_named() {
        for kind in KINDS.iter().filter(|kind| !kind.group.is_empty()) {
            assert!(GROUPS.contains(&kind.group), "{}", kind.group);
        }
    }
}
