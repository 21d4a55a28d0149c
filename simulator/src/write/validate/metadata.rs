use serde_json::Value;

use super::names::{
    LABEL_RULE, LABEL_VALUE_RULE, SUBDOMAIN_RULE, is_label, is_label_value, is_subdomain,
};
use crate::{
    kinds::{Kind, NAMESPACE, SERVICE},
    object::{entries, name, text},
    status_error::Cause,
};

pub(super) fn check(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    let given = name(object);
    let quoted = format!("{given:?}");
    if *kind == NAMESPACE || *kind == SERVICE {
        if !is_label(given) {
            causes.push(Cause::invalid("metadata.name", &quoted, LABEL_RULE));
        }
    } else if !is_subdomain(given) {
        causes.push(Cause::invalid("metadata.name", &quoted, SUBDOMAIN_RULE));
    }
    labels(&object["metadata"]["labels"], "metadata.labels", causes);
}

pub(super) fn labels(labels: &Value, field: &str, causes: &mut Vec<Cause>) {
    for (_, value) in entries(labels) {
        if !is_label_value(text(value)) {
            causes.push(Cause::invalid(field, &value.to_string(), LABEL_VALUE_RULE));
        }
    }
}
