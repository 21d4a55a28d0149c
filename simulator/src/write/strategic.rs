//! Strategic merge: as a JSON merge patch, but lists of named things are merged by name.

use serde_json::Value;

use crate::{
    object::{items, map_mut, remove, text},
    schema::{Field, Members, Shape},
};

pub(super) fn merge(target: &mut Value, patch: &Value, field: &Field) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if text(&patch["$patch"]) == "replace" {
        *target = patch.clone();
        remove(target, "$patch");
        return;
    }
    for (name, change) in changes.iter().filter(|(name, _)| !name.starts_with('$')) {
        let child = field.child(name);
        match change {
            Value::Null => {
                remove(target, name);
            }
            Value::Object(_) => {
                let entry = map_mut(target).entry(name).or_insert(Value::Null);
                merge(entry, change, child);
            }
            Value::Array(list) => {
                let entry = map_mut(target).entry(name).or_insert(Value::Null);
                merge_list(entry, list, child);
            }
            other => {
                map_mut(target).insert(name.clone(), other.clone());
            }
        }
    }
    delete_primitives(target, changes);
}

fn merge_list(target: &mut Value, patch: &[Value], field: &Field) {
    let replaces = patch.iter().any(|member| text(&member["$patch"]) == "replace");
    let merged_by = match &field.shape {
        Shape::List(_, Members::Keyed(keys)) if !replaces => keys.first(),
        Shape::List(_, Members::Set) => return add_members(target, patch),
        _ => None,
    };
    let Some(key) = merged_by else {
        let kept = patch.iter().filter(|member| member["$patch"].is_null()).cloned();
        *target = kept.collect();
        return;
    };
    let server = items(target).to_vec();
    let place = |member: &Value| server.iter().position(|old| old[key] == member[key]);
    let mut named = Vec::new();
    for member in patch.iter().filter(|member| text(&member["$patch"]) != "delete") {
        let mut merged = place(member).map_or(Value::Null, |index| server[index].clone());
        merge(&mut merged, member, field.element());
        named.push(merged);
    }
    let unnamed: Vec<Value> = server
        .iter()
        .filter(|old| !patch.iter().any(|member| member[key] == old[key]))
        .cloned()
        .collect();
    *target = Value::Array(interleaved(named, unnamed, place));
}

/// What a patch names and what it does not, in the server's order; new ones come first.
fn interleaved(
    named: Vec<Value>,
    unnamed: Vec<Value>,
    place: impl Fn(&Value) -> Option<usize>,
) -> Vec<Value> {
    let mut list = Vec::new();
    let (mut named, mut unnamed) = (named.into_iter().peekable(), unnamed.into_iter().peekable());
    while let (Some(one), Some(other)) = (named.peek(), unnamed.peek()) {
        let first = match (place(one), place(other)) {
            (Some(one), Some(other)) => one < other,
            _ => true,
        };
        list.extend(if first { named.next() } else { unnamed.next() });
    }
    list.extend(named.chain(unnamed));
    list
}

fn add_members(target: &mut Value, patch: &[Value]) {
    let mut list = items(target).to_vec();
    for member in patch {
        if !list.contains(member) {
            list.push(member.clone());
        }
    }
    *target = Value::Array(list);
}

/// `$deleteFromPrimitiveList/finalizers: [...]` and its like.
fn delete_primitives(target: &mut Value, changes: &serde_json::Map<String, Value>) {
    for (name, doomed) in changes {
        if let Some(field) = name.strip_prefix("$deleteFromPrimitiveList/")
            && let Some(list) = target.get_mut(field).and_then(Value::as_array_mut)
        {
            list.retain(|member| !items(doomed).contains(member));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::merge;
    use crate::schema;

    #[test]
    fn containers_merge_by_name() {
        let mut object = json!({"spec": {"containers": [
            {"name": "app", "image": "web:1", "env": [{"name": "A", "value": "1"}]},
            {"name": "side", "image": "side:1"},
        ]}});

        let patch = json!({"spec": {"containers": [
            {"name": "app", "image": "web:2"},
            {"name": "side", "$patch": "delete"},
        ]}});
        merge(&mut object, &patch, &schema::of_kind("Pod"));

        assert_eq!(
            object,
            json!({"spec": {"containers": [
                {"name": "app", "image": "web:2", "env": [{"name": "A", "value": "1"}]},
            ]}})
        );
    }
}
