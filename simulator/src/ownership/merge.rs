//! Merging an applied configuration into an object, and taking out what is no longer applied.

use serde_json::Value;

use super::field_set::FieldSet;
use crate::{
    object::{items, map_mut},
    schema::Field,
};

/// `live` with the values of `config` laid over it.
pub(super) fn merged(live: &Value, config: &Value, field: &Field) -> Value {
    if field.is_leaf(config) || field.is_leaf(live) && !live.is_object() && !live.is_array() {
        return config.clone();
    }
    match (live, config) {
        (Value::Object(live), Value::Object(config)) => {
            let mut result = live.clone();
            for (name, value) in config {
                let merged = match live.get(name) {
                    Some(old) => merged(old, value, field.child(name)),
                    None => value.clone(),
                };
                result.insert(name.clone(), merged);
            }
            Value::Object(result)
        }
        (Value::Array(live), Value::Array(config)) => merged_members(live, config, field),
        _ => config.clone(),
    }
}

/// The members of both, in the order of the configuration; those of the object alone keep their
/// places before their successors.
fn merged_members(live: &[Value], config: &[Value], field: &Field) -> Value {
    let name = |member: &Value| field.member_name(member);
    let mut result = Vec::new();
    let mut rest = live.iter().peekable();
    for member in config {
        let place = live.iter().position(|old| name(old) == name(member));
        if place.is_some() {
            while let Some(old) = rest.next_if(|old| !config.iter().any(|c| name(c) == name(old))) {
                result.push(old.clone());
            }
            rest.next_if(|old| name(old) == name(member));
        }
        result.push(match place {
            Some(index) => merged(&live[index], member, field.element()),
            None => member.clone(),
        });
    }
    result.extend(rest.filter(|old| !config.iter().any(|c| name(c) == name(old))).cloned());
    Value::Array(result)
}

/// Takes out of `value` what `former` held and nobody holds any more.
pub(super) fn prune(value: &mut Value, former: &FieldSet, held: &FieldSet, field: &Field) {
    for (name, lost) in &former.children {
        let still_held = held.child(name);
        if still_held.is_none() && !field_of(name, field).always_present {
            take_out(value, name, field);
        } else if let Some(child) = child_mut(value, name, field) {
            let nothing = FieldSet::default();
            prune(child, lost, still_held.unwrap_or(&nothing), field_of(name, field));
        }
    }
}

fn field_of<'a>(name: &str, field: &'a Field) -> &'a Field {
    match name.strip_prefix("f:") {
        Some(name) => field.child(name),
        None => field.element(),
    }
}

fn take_out(value: &mut Value, name: &str, field: &Field) {
    if let Some(name) = name.strip_prefix("f:") {
        if value.is_object() {
            map_mut(value).remove(name);
        }
    } else if let Some(index) = field.member_index(value, name)
        && let Some(list) = value.as_array_mut()
    {
        list.remove(index);
    }
}

fn child_mut<'a>(value: &'a mut Value, name: &str, field: &Field) -> Option<&'a mut Value> {
    match name.strip_prefix("f:") {
        Some(name) => value.get_mut(name),
        None => {
            let index = field.member_index(value, name)?;
            debug_assert!(index < items(value).len());
            value.get_mut(index)
        }
    }
}
