//! From values to the sets of fields that they hold, change or lose.

use std::collections::BTreeSet;

use serde_json::Value;

use super::field_set::FieldSet;
use crate::{
    object::{entries, items},
    schema::Field,
};

/// What an applied configuration claims: its leaves, and the members of its keyed lists.
pub(super) fn claimed(value: &Value, field: &Field) -> FieldSet {
    if field.is_leaf(value) {
        return FieldSet::leaf();
    }
    let mut set = FieldSet::default();
    for (name, child) in entries(value) {
        set.insert(format!("f:{name}"), claimed(child, field.child(name)));
    }
    for member in items(value) {
        if let Some(name) = field.member_name(member) {
            let mut child = claimed(member, field.element());
            child.owned = true;
            set.insert(name, child);
        }
    }
    set
}

/// All that comes into being with a value that was not there: its containers too.
fn whole(value: &Value, field: &Field) -> FieldSet {
    if field.is_leaf(value) {
        return FieldSet::leaf();
    }
    let mut set = FieldSet { owned: !field.always_present, ..FieldSet::default() };
    for (name, child) in entries(value) {
        set.insert(format!("f:{name}"), whole(child, field.child(name)));
    }
    for member in items(value) {
        if let Some(name) = field.member_name(member) {
            let mut child = whole(member, field.element());
            child.owned = true;
            set.insert(name, child);
        }
    }
    set
}

/// What a write did.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub changed: FieldSet,
    pub removed: FieldSet,
}

pub(super) fn difference(before: &Value, after: &Value, field: &Field) -> Difference {
    if before == after {
        return Difference::default();
    }
    if before.is_null() {
        return Difference { changed: whole(after, field), ..Difference::default() };
    }
    if after.is_null() {
        return Difference { removed: whole(before, field), ..Difference::default() };
    }
    if field.is_leaf(before) && field.is_leaf(after) {
        return Difference { changed: FieldSet::leaf(), ..Difference::default() };
    }
    let mut difference = Difference::default();
    if after.is_array() || before.is_array() {
        compare_members(before, after, field, &mut difference);
    } else {
        compare_fields(before, after, field, &mut difference);
    }
    difference
}

fn compare_fields(before: &Value, after: &Value, field: &Field, difference: &mut Difference) {
    let names: BTreeSet<&String> =
        entries(before).chain(entries(after)).map(|(name, _)| name).collect();
    for name in names {
        let inner = self::difference(&before[name], &after[name], field.child(name));
        difference.put(format!("f:{name}"), inner);
    }
}

fn compare_members(before: &Value, after: &Value, field: &Field, difference: &mut Difference) {
    let names: BTreeSet<String> = items(before)
        .iter()
        .chain(items(after))
        .filter_map(|member| field.member_name(member))
        .collect();
    for name in names {
        let member = |list: &Value| match field.member_index(list, &name) {
            Some(index) => list[index].clone(),
            None => Value::Null,
        };
        let inner = self::difference(&member(before), &member(after), field.element());
        difference.put(name, inner);
    }
}

impl Difference {
    fn put(&mut self, name: String, inner: Difference) {
        self.changed.insert(name.clone(), inner.changed);
        self.removed.insert(name, inner.removed);
    }
}
