//! The calls that change something.

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::Answer,
    body,
    list::{Selection, as_list, item},
    request::Call,
};
use crate::{
    kinds::{CLAIM, JOB, POD, SERVICE},
    object::{items, name, text, uid},
    ownership::Writer,
    state::State,
    status_error::{Cause, Result, StatusError, deleted},
    storage::Key,
    write::{DeleteOptions, Patch, Propagation},
};

const ORPHAN_WARNING: &str = "child pods are preserved by default when jobs are deleted; set \
                              propagationPolicy=Background to remove them or set \
                              propagationPolicy=Orphan to suppress this warning";

pub(super) fn create(state: &mut State, call: &Call) -> Result<Answer> {
    let writer = writer(call, "CreateOptions")?;
    let (object, warnings) = body::object(call)?;
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    let created = state.create(call.target.kind, namespace, object, &writer)?;
    Ok(Answer::json(StatusCode::CREATED, (*created).clone()).warn(warnings))
}

pub(super) fn update(state: &mut State, call: &Call) -> Result<Answer> {
    let writer = writer(call, "UpdateOptions")?;
    let (mut object, warnings) = body::object(call)?;
    if name(&object).is_empty() {
        object["metadata"]["name"] = json!(call.target.name);
    }
    let updated = state.update(&call.target.key(), object, &writer)?;
    Ok(Answer::ok((*updated).clone()).warn(warnings))
}

pub(super) fn patch(state: &mut State, call: &Call) -> Result<Answer> {
    let key = call.target.key();
    if call.content_type == "application/apply-patch+yaml" {
        return apply(state, call, &key);
    }
    let change = read_patch(call)?;
    let writer = writer(call, "PatchOptions")?;
    let validation = call.query.text("fieldValidation").unwrap_or("Warn");
    let strict = validation == "Strict";
    let (patched, unknown) = state.patch(&key, &change, &writer, strict)?;
    let answer = Answer::ok((*patched).clone());
    Ok(match validation {
        "Ignore" => answer,
        _ => answer.warn(unknown),
    })
}

fn apply(state: &mut State, call: &Call, key: &Key) -> Result<Answer> {
    if call.query.text("fieldManager").is_none() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(StatusError::invalid_options("PatchOptions", cause));
    }
    let writer = writer(call, "PatchOptions")?;
    let mut config = body::configuration(call)?;
    config["metadata"]["name"] = json!(key.name);
    let (object, is_new) = state.apply(key, config, &writer, call.query.flag("force"))?;
    let code = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Answer::json(code, (*object).clone()))
}

/// The change that a patch other than an apply describes.
pub(super) fn read_patch(call: &Call) -> Result<Patch> {
    let read = |body: &[u8]| -> Result<Value> {
        serde_json::from_slice(body)
            .map_err(|error| StatusError::bad_request(format!("error decoding patch: {error}")))
    };
    let patch = match call.content_type.as_str() {
        "application/merge-patch+json" => Patch::Merge(read(&call.body)?),
        "application/strategic-merge-patch+json" => Patch::Strategic(read(&call.body)?),
        "application/json-patch+json" => {
            Patch::Json(serde_json::from_slice(&call.body).map_err(|_| {
                StatusError::bad_request(
                    "error decoding patch: json: cannot unmarshal object into Go value of type \
                     []handlers.jsonPatchOp",
                )
            })?)
        }
        _ => return Err(StatusError::unsupported_patch()),
    };
    if call.query.text("force").is_some() {
        let cause = Cause::forbidden("force", "may not be specified for non-apply patch");
        return Err(StatusError::invalid_options("PatchOptions", cause));
    }
    Ok(patch)
}

pub(super) fn writer<'a>(call: &'a Call, options: &str) -> Result<Writer<'a>> {
    let dry_run = dry_run(call.query.text("dryRun"), options)?;
    Ok(Writer { manager: &call.manager, subresource: &call.target.subresource, dry_run })
}

fn dry_run(given: Option<&str>, options: &str) -> Result<bool> {
    match given {
        None => Ok(false),
        Some("All") => Ok(true),
        Some(other) => {
            let cause = Cause::unsupported("dryRun", &format!("[{other:?}]"), &["All"]);
            Err(StatusError::invalid_options(options, cause))
        }
    }
}

pub(super) fn delete(state: &mut State, call: &Call) -> Result<Answer> {
    let (options, warning) = delete_options(call)?;
    let key = call.target.key();
    let deletion = state.delete(&key, &options)?;
    let shows_object = *key.kind == POD || *key.kind == SERVICE || *key.kind == CLAIM;
    let body = if deletion.gone && !shows_object {
        deleted(key.kind, &key.name, uid(&deletion.object))
    } else {
        (*deletion.object).clone()
    };
    Ok(Answer::ok(body).warn(warning))
}

pub(super) fn delete_collection(state: &mut State, call: &Call) -> Result<Answer> {
    let (options, warning) = delete_options(call)?;
    let selection = Selection::of(call)?;
    let kind = call.target.kind;
    let keys: Vec<Key> = state
        .storage
        .list(kind, call.target.namespace.as_deref())
        .filter(|(_, object)| selection.includes(object))
        .map(|(key, _)| key.clone())
        .collect();
    let mut objects = Vec::new();
    for key in keys {
        objects.push(item(&*state.existing(&key)?));
        state.delete(&key, &options)?;
    }
    let metadata = json!({"resourceVersion": state.storage.version().to_string()});
    Ok(Answer::ok(as_list(kind, &metadata, &objects)).warn(warning))
}

/// From the body and the query, with the kind's own default.
fn delete_options(call: &Call) -> Result<(DeleteOptions, Vec<String>)> {
    let body = body::options(call)?;
    let policy = body["propagationPolicy"].as_str().or(call.query.text("propagationPolicy"));
    let unspoken = policy.is_none() && *call.target.kind == JOB;
    let propagation = match policy {
        None if unspoken => Propagation::Orphan,
        None | Some("Background") => Propagation::Background,
        Some("Foreground") => Propagation::Foreground,
        Some("Orphan") => Propagation::Orphan,
        Some(other) => {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            let cause = Cause::unsupported("propagationPolicy", &format!("{other:?}"), &supported);
            return Err(StatusError::invalid_options("DeleteOptions", cause));
        }
    };
    let mode = items(&body["dryRun"]).first().map(text).or(call.query.text("dryRun"));
    let given = |field: &str| body["preconditions"][field].as_str().map(str::to_owned);
    let options = DeleteOptions {
        propagation,
        grace: body["gracePeriodSeconds"].as_i64().or(call.query.number("gracePeriodSeconds")?),
        uid: given("uid"),
        version: given("resourceVersion"),
        dry_run: dry_run(mode, "DeleteOptions")?,
    };
    let warnings = if unspoken { vec![ORPHAN_WARNING.to_owned()] } else { Vec::new() };
    Ok((options, warnings))
}
