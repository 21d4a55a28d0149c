use serde_json::Value;

use super::{metadata, pod};
use crate::{
    object::{int, is_empty, remove, text},
    selectors::LabelSelector,
    status_error::Cause,
};

const STATEFUL_SET_RULE: &str = "updates to statefulset spec for fields other than 'replicas', \
    'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', \
    'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/// What Deployments, ReplicaSets and StatefulSets have in common.
pub(super) fn check(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    not_negative(&spec["replicas"], "spec.replicas", causes);
    let selector = &spec["selector"];
    if is_empty(selector) {
        causes.push(Cause::required("spec.selector", ""));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if is_empty(selector) || !LabelSelector::of_object(selector).matches(labels) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &labels.to_string(), why));
    }
    metadata::labels(labels, "spec.template.labels", causes);
    pod::check(&spec["template"]["spec"], "spec.template.spec", causes);
    if !old.is_null() && old["spec"]["selector"] != *selector {
        let value = selector.to_string();
        causes.push(Cause::invalid("spec.selector", &value, "field is immutable"));
    }
}

pub(super) fn deployment(new: &Value, causes: &mut Vec<Cause>) {
    let spec = &new["spec"];
    let deadline = &spec["progressDeadlineSeconds"];
    if deadline.is_number() && int(deadline) <= int(&spec["minReadySeconds"]) {
        let why = "must be greater than minReadySeconds";
        let field = "spec.progressDeadlineSeconds";
        causes.push(Cause::invalid(field, &deadline.to_string(), why));
    }
}

/// The counters in the status of a Deployment.
pub(super) fn deployment_status(new: &Value, causes: &mut Vec<Cause>) {
    let status = &new["status"];
    let replicas = int(&status["replicas"]);
    let counters = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
    for counter in counters {
        not_negative(&status[counter], &format!("status.{counter}"), causes);
    }
    for counter in &counters[1..] {
        if int(&status[*counter]) > replicas {
            let value = status[*counter].to_string();
            let why = "cannot be greater than status.replicas";
            causes.push(Cause::invalid(format!("status.{counter}"), &value, why));
        }
    }
}

pub(super) fn stateful_set_changes(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if old.is_null() {
        return;
    }
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for field in [
            "replicas",
            "ordinals",
            "template",
            "updateStrategy",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
            "minReadySeconds",
            "selector",
        ] {
            remove(&mut spec, field);
        }
        spec
    };
    if fixed(old) != fixed(new) {
        causes.push(Cause::forbidden("spec", STATEFUL_SET_RULE));
    }
}

pub(super) fn job(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let template = &new["spec"]["template"];
    pod::check(&template["spec"], "spec.template.spec", causes);
    if !matches!(text(&template["spec"]["restartPolicy"]), "OnFailure" | "Never") {
        let why = "valid values: \"OnFailure\", \"Never\"";
        causes.push(Cause::required("spec.template.spec.restartPolicy", why));
    }
    if !old.is_null() && old["spec"]["template"] != *template {
        let value = template.to_string();
        causes.push(Cause::invalid("spec.template", &value, "field is immutable"));
    }
}

pub(super) fn not_negative(value: &Value, field: &str, causes: &mut Vec<Cause>) {
    if value.as_i64().is_some_and(|number| number < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid(field, &value.to_string(), why));
    }
}
