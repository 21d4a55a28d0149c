//! Everything a group has, in one answer: what newer clients ask for.

use serde_json::{Value, json};

use super::resources::of_group;
use crate::object::text;

pub(super) const CONTENT_TYPE: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Whether a client accepts it.
pub(super) fn is_accepted(accept: &str) -> bool {
    accept.split(',').any(|form| {
        let has = |wanted: &str| form.split(';').any(|part| part.trim() == wanted);
        has("as=APIGroupDiscoveryList") && has("g=apidiscovery.k8s.io") && has("v=v2")
    })
}

pub(super) fn list(groups: &[&str]) -> Value {
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": groups.iter().map(|group| described(group)).collect::<Vec<Value>>(),
    })
}

fn described(group: &str) -> Value {
    let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
    let mut resources: Vec<Value> = Vec::new();
    for resource in of_group(group) {
        match text(&resource["name"]).split_once('/') {
            None => resources.push(main_resource(&resource)),
            Some((_, part)) => {
                let part = subresource(&resource, part);
                if let Some(last) = resources.last_mut() {
                    let parts = &mut last["subresources"];
                    if parts.is_null() {
                        *parts = json!([]);
                    }
                    parts.as_array_mut().into_iter().for_each(|list| list.push(part.clone()));
                }
            }
        }
    }
    let version = json!({"version": "v1", "resources": resources, "freshness": "Current"});
    json!({"metadata": metadata, "versions": [version]})
}

fn main_resource(resource: &Value) -> Value {
    let scope = if resource["namespaced"] == true { "Namespaced" } else { "Cluster" };
    let mut described = json!({
        "resource": resource["name"],
        "responseKind": {"group": "", "version": "", "kind": resource["kind"]},
        "scope": scope,
        "singularResource": resource["singularName"],
        "verbs": resource["verbs"],
    });
    for field in ["shortNames", "categories"] {
        if !resource[field].is_null() {
            described[field] = resource[field].clone();
        }
    }
    described
}

fn subresource(resource: &Value, name: &str) -> Value {
    json!({
        "subresource": name,
        "responseKind": {
            "group": text(&resource["group"]),
            "version": text(&resource["version"]),
            "kind": resource["kind"],
        },
        "verbs": resource["verbs"],
    })
}
