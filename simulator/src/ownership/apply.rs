use serde_json::Value;

use super::{
    compare::{claimed, difference},
    field_set::FieldSet,
    managers::{Managers, Operation, Writer, owned_part},
    merge::{merged, prune},
};
use crate::{
    kinds::Kind,
    schema,
    status_error::{Result, StatusError},
};

/// The outcome of an apply: the object before defaults, and its owners.
pub(crate) struct Applied {
    pub object: Value,
    pub managers: Managers,
}

/// Lays `config` over `live` (null if it is new) for this writer.
pub(crate) fn apply(
    kind: &Kind,
    live: &Value,
    config: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Applied> {
    let root = schema::of_kind(kind.name);
    let wanted = claimed(&owned_part(kind, config, writer), &root);
    let mut object = if live.is_null() { config.clone() } else { merged(live, config, &root) };
    let mut managers = Managers::of(live);

    let before = owned_part(kind, live, writer);
    let changed = difference(&before, &owned_part(kind, &object, writer), &root).changed;
    let conflicts = conflicts(&managers, &changed, writer);
    if !conflicts.is_empty() && !force {
        return Err(refusal(&conflicts));
    }
    for entry in managers.0.iter_mut().filter(|entry| !entry.is_of(writer, Operation::Apply)) {
        entry.fields.subtract(&changed);
    }

    let entry = managers.entry(writer, Operation::Apply, &kind.api_version());
    let former = std::mem::replace(&mut entry.fields, wanted);
    let mut held = FieldSet::default();
    managers.0.iter().for_each(|entry| held.add(&entry.fields));
    prune(&mut object, &former, &held, &root);
    managers.drop_empty();
    Ok(Applied { object, managers })
}

/// For each other manager whose fields would change: its description and those fields.
fn conflicts(
    managers: &Managers,
    changed: &FieldSet,
    writer: &Writer<'_>,
) -> Vec<(String, Vec<String>)> {
    let mut conflicts: Vec<(String, Vec<String>)> = managers
        .0
        .iter()
        .filter(|entry| !entry.is_of(writer, Operation::Apply))
        .map(|entry| (entry.description(), entry.fields.intersection(changed).paths()))
        .filter(|(_, paths)| !paths.is_empty())
        .collect();
    conflicts.sort();
    conflicts
}

fn refusal(conflicts: &[(String, Vec<String>)]) -> StatusError {
    let causes: Vec<(String, String)> = conflicts
        .iter()
        .flat_map(|(manager, paths)| {
            paths.iter().map(move |path| (format!("conflict with {manager}"), path.clone()))
        })
        .collect();
    let message = match causes.as_slice() {
        [(text, path)] => format!("Apply failed with 1 conflict: {text}: {path}"),
        _ => {
            let groups: Vec<String> = conflicts
                .iter()
                .map(|(manager, paths)| {
                    format!("conflicts with {manager}:\n- {}", paths.join("\n- "))
                })
                .collect();
            format!("Apply failed with {} conflicts: {}", causes.len(), groups.join("\n"))
        }
    };
    StatusError::apply_conflict(message, &causes)
}
