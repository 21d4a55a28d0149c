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
    let replaces = patch
        .iter()
        .any(|member| text(&member["$patch"]) == "replace");
    let merged_by = match &field.shape {
        Shape::List(_, Members::Keyed(keys)) if !replaces => keys.first(),
        Shape::List(_, Members::Set) => return add_members(target, patch),
        _ => None,
    };
    let Some(key) = merged_by else {
        let kept = patch
            .iter()
            .filter(|member| member["$patch"].is_null())
            .cloned();
        *target = kept.collect();
        return;
    };
    let mut list = items(target).to_vec();
    for member in patch {
        let place = list.iter().position(|old| old[key] == member[key]);
        match place {
            Some(index) if text(&member["$patch"]) == "delete" => {
                list.remove(index);
            }
            Some(index) => merge(&mut list[index], member, field.element()),
            None if member["$patch"].is_null() => list.push(member.clone()),
            None => {}
        }
    }
    *target = Value::Array(list);
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
