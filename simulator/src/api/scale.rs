//! The `scale` subresource: the number of replicas, as an object of its own.

use serde_json::{Value, json};

use super::{
    answer::Answer,
    request::{Call, Verb},
    write::{read_patch, writer},
};
use crate::{
    object::{int, version},
    selectors::LabelSelector,
    state::State,
    status_error::{Cause, Result, StatusError},
};

pub(super) fn carry_out(state: &mut State, call: &Call) -> Result<Answer> {
    let key = call.target.key();
    let object = state.existing(&key)?;
    let current = scale_of(&object);
    let wanted = match call.verb {
        Verb::Get => return Ok(Answer::ok(current)),
        Verb::Update => serde_json::from_slice(&call.body)
            .map_err(|error| StatusError::bad_request(error.to_string()))?,
        Verb::Patch => read_patch(call)?.applied_to(current, "Scale")?,
        _ => return Err(StatusError::method_not_allowed()),
    };
    let replicas = &wanted["spec"]["replicas"];
    if int(replicas) < 0 {
        let why = "must be greater than or equal to 0";
        let cause = Cause::invalid("spec.replicas", &replicas.to_string(), why);
        return Err(StatusError::invalid_as("Scale", "autoscaling", &key.name, &[cause]));
    }
    let given = version(&wanted);
    if !given.is_empty() && given != version(&object) {
        return Err(StatusError::modified(key.kind, &key.name));
    }
    let mut scaled = (*object).clone();
    scaled["spec"]["replicas"] = json!(int(replicas));
    let stored = state.update(&key, scaled, &writer(call, "PatchOptions")?)?;
    Ok(Answer::ok(scale_of(&stored)))
}

fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let replicas = int(&object["spec"]["replicas"]);
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": spec,
        "status": {
            "replicas": int(&object["status"]["replicas"]),
            "selector": LabelSelector::of_object(&object["spec"]["selector"]).print(),
        },
    })
}
