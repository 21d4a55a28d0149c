use serde_json::Value;

use super::names::{SUBDOMAIN_RULE, is_subdomain};
use crate::{
    object::{int, is_empty, items, text},
    status_error::Cause,
};

const PORT_RULE: &str = "must be between 1 and 65535, inclusive";

pub(super) fn service(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let ports = items(&new["spec"]["ports"]);
    if ports.is_empty()
        && new["spec"]["type"] != "ExternalName"
        && new["spec"]["clusterIP"] != "None"
    {
        causes.push(Cause::required("spec.ports", ""));
    }
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        if ports.len() > 1 && is_empty(&port["name"]) {
            causes.push(Cause::required(format!("{path}.name"), ""));
        }
        for field in ["port", "targetPort"] {
            let number = &port[field];
            if number.is_number() && !(1..=65_535).contains(&int(number)) {
                let field = format!("{path}.{field}");
                causes.push(Cause::invalid(field, &number.to_string(), PORT_RULE));
            }
        }
    }
    let address = |object: &Value| object["spec"]["clusterIP"].clone();
    if !is_empty(&address(old)) && address(old) != address(new) {
        let value = format!("[{}]", address(new));
        causes.push(Cause::invalid("spec.clusterIPs[0]", &value, "may not change once set"));
    }
}

pub(super) fn ingress(new: &Value, causes: &mut Vec<Cause>) {
    let rules = items(&new["spec"]["rules"]);
    if rules.is_empty() && new["spec"]["defaultBackend"].is_null() {
        let why = "either `defaultBackend` or `rules` must be specified";
        causes.push(Cause::invalid("spec", "[]", why));
    }
    for (index, rule) in rules.iter().enumerate() {
        let path = format!("spec.rules[{index}]");
        let host = text(&rule["host"]);
        if !host.is_empty() && !is_subdomain(host.strip_prefix("*.").unwrap_or(host)) {
            causes.push(Cause::invalid(
                format!("{path}.host"),
                &format!("{host:?}"),
                SUBDOMAIN_RULE,
            ));
        }
        for (index, one) in items(&rule["http"]["paths"]).iter().enumerate() {
            check_path(one, &format!("{path}.http.paths[{index}]"), causes);
        }
    }
}

fn check_path(one: &Value, path: &str, causes: &mut Vec<Cause>) {
    let given = text(&one["path"]);
    let needs_path = one["pathType"] != "ImplementationSpecific";
    if needs_path && !given.starts_with('/') {
        let why = "must be an absolute path";
        causes.push(Cause::invalid(format!("{path}.path"), &format!("{given:?}"), why));
    }
    if one["pathType"].is_null() {
        causes.push(Cause::required(format!("{path}.pathType"), "pathType must be specified"));
    }
    let service = &one["backend"]["service"];
    if !service.is_null() && is_empty(&service["port"]) {
        let why = "port name or number is required";
        causes.push(Cause::required(format!("{path}.backend"), why));
    }
}
