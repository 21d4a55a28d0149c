//! ConfigMaps and Secrets.

use serde_json::Value;

use super::names::{CONFIG_KEY_RULE, is_config_key};
use crate::{
    kinds::{Kind, SECRET},
    object::entries,
    status_error::Cause,
};

const FROZEN: &str = "field is immutable when `immutable` is set";

pub(super) fn check(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    for (key, _) in entries(&new["data"]).chain(entries(&new["binaryData"])) {
        if !is_config_key(key) {
            let field = format!("data[{key}]");
            causes.push(Cause::invalid(field, &format!("{key:?}"), CONFIG_KEY_RULE));
        }
    }
    if *kind == SECRET {
        check_secret(old, new, causes);
    }
    if old["immutable"] == true {
        for field in ["immutable", "data", "binaryData"] {
            if old[field] != new[field] {
                causes.push(Cause::forbidden(field, FROZEN));
            }
        }
    }
}

fn check_secret(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let needed: &[&str] = match new["type"].as_str() {
        Some("kubernetes.io/dockerconfigjson") => &[".dockerconfigjson"],
        Some("kubernetes.io/tls") => &["tls.crt", "tls.key"],
        _ => &[],
    };
    for key in needed.iter().filter(|key| new["data"][**key].is_null()) {
        causes.push(Cause::required(format!("data[{key}]"), ""));
    }
    if !old.is_null() && old["type"] != new["type"] {
        causes.push(Cause::invalid("type", &new["type"].to_string(), "field is immutable"));
    }
}
