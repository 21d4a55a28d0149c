use std::collections::HashSet;

use serde_json::{Value, json};

use super::names::{LABEL_RULE, is_label};
use crate::{
    object::{entries, int, is_empty, items, remove, text},
    quantity::Quantity,
    status_error::Cause,
};

const CHANGE_RULE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
    `spec.tolerations` (only additions to existing tolerations),\
    `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The spec of a Pod or of a template, at `path`.
pub(super) fn check(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let containers = items(&spec["containers"]);
    if containers.is_empty() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut names = HashSet::new();
    for (list, index, container) in numbered(spec) {
        let path = format!("{path}.{list}[{index}]");
        check_container(container, &path, causes);
        let name = text(&container["name"]);
        if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(format!("{path}.name"), &format!("{name:?}")));
        }
    }
}

fn numbered(spec: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    ["initContainers", "containers"].into_iter().flat_map(move |list| {
        items(&spec[list]).iter().enumerate().map(move |(index, one)| (list, index, one))
    })
}

fn check_container(container: &Value, path: &str, causes: &mut Vec<Cause>) {
    let name = text(&container["name"]);
    if name.is_empty() {
        causes.push(Cause::required(format!("{path}.name"), ""));
    } else if !is_label(name) {
        causes.push(Cause::invalid(format!("{path}.name"), &format!("{name:?}"), LABEL_RULE));
    }
    if is_empty(&container["image"]) {
        causes.push(Cause::required(format!("{path}.image"), ""));
    }
    for (index, port) in items(&container["ports"]).iter().enumerate() {
        let number = int(&port["containerPort"]);
        if !(1..=65_535).contains(&number) {
            let field = format!("{path}.ports[{index}].containerPort");
            let why = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(field, &number.to_string(), why));
        }
    }
    check_resources(&container["resources"], path, causes);
}

fn check_resources(resources: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (unit, request) in entries(&resources["requests"]) {
        let (Some(wanted), Some(limit)) =
            (Quantity::of(request), Quantity::of(&resources["limits"][unit]))
        else {
            continue;
        };
        if wanted.exceeds(limit) {
            let field = format!("{path}.resources.requests");
            let why = format!("must be less than or equal to {unit} limit of {limit}");
            causes.push(Cause::invalid(field, &request.to_string(), &why));
        }
    }
}

/// A Pod that exists may change but little.
pub(super) fn changes(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if old.is_null() {
        return;
    }
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for (list, _, _) in numbered(&object["spec"]) {
            for container in spec[list].as_array_mut().into_iter().flatten() {
                container["image"] = json!("");
            }
        }
        remove(&mut spec, "activeDeadlineSeconds");
        remove(&mut spec, "tolerations");
        if text(&old["spec"]["nodeName"]).is_empty() {
            remove(&mut spec, "nodeName");
        }
        spec
    };
    if fixed(old) != fixed(new) {
        causes.push(Cause::forbidden("spec", CHANGE_RULE));
    }
}
