use std::{
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::parse;
use crate::{
    object::{is_empty, items},
    quantity::Quantity,
};

/// The shape of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    Text,
    Whole,
    Truth,
    Quantity,
    TextOrWhole,
    Any,
    Object(String),
    Map(Box<Field>),
    List(Box<Field>, Members),
}

/// How the elements of a list are told apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Members {
    /// Not at all: the list is one value.
    Whole,
    Set,
    Keyed(Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub shape: Shape,
    pub atomic: bool,
    pub always_present: bool,
}

/// What the schema does not describe: maps are looked into, lists are not.
pub(crate) static UNKNOWN: Field =
    Field { shape: Shape::Any, atomic: false, always_present: false };

pub(super) type Types = HashMap<String, BTreeMap<String, Field>>;

pub(super) fn types() -> &'static Types {
    static TYPES: OnceLock<Types> = OnceLock::new();
    TYPES.get_or_init(|| parse::types(include_str!("types.txt")))
}

/// The root of a kind's objects.
pub(crate) fn of_kind(name: &str) -> Field {
    Field { shape: Shape::Object(name.to_owned()), atomic: false, always_present: true }
}

impl Field {
    /// Whether it is owned and replaced as one value.
    pub fn is_leaf(&self, value: &Value) -> bool {
        match (&self.shape, value) {
            _ if self.atomic => true,
            (Shape::List(_, Members::Whole), _) => true,
            (Shape::Any, Value::Array(_)) => true,
            (_, Value::Object(map)) => map.is_empty(),
            (_, Value::Array(list)) => list.is_empty(),
            _ => true,
        }
    }

    pub fn child(&self, name: &str) -> &Field {
        match &self.shape {
            Shape::Object(kind) => {
                types().get(kind).and_then(|fields| fields.get(name)).unwrap_or(&UNKNOWN)
            }
            Shape::Map(element) => element,
            _ => &UNKNOWN,
        }
    }

    /// The type of a list's elements.
    pub fn element(&self) -> &Field {
        match &self.shape {
            Shape::List(element, _) => element,
            _ => &UNKNOWN,
        }
    }

    /// The path element that names this member of a list: `k:{...}` or `v:...`.
    pub fn member_name(&self, value: &Value) -> Option<String> {
        match &self.shape {
            Shape::List(_, Members::Set) => Some(format!("v:{value}")),
            Shape::List(_, Members::Keyed(keys)) => {
                let mut name = json!({});
                for key in keys {
                    match (&value[key], key.as_str()) {
                        (Value::Null, "protocol") => name[key] = json!("TCP"),
                        (Value::Null, _) => {}
                        (present, _) => name[key] = present.clone(),
                    }
                }
                Some(format!("k:{name}"))
            }
            _ => None,
        }
    }

    /// The position of the member with that name.
    pub fn member_index(&self, list: &Value, name: &str) -> Option<usize> {
        items(list).iter().position(|item| self.member_name(item).is_some_and(|own| own == name))
    }

    pub(super) fn fields(&self) -> Option<&'static BTreeMap<String, Field>> {
        match &self.shape {
            Shape::Object(kind) => types().get(kind),
            _ => None,
        }
    }
}

/// Writes every quantity in its canonical form and drops what is unknown or says nothing: nulls,
/// empty strings, lists and maps.
pub(crate) fn tidy(value: &mut Value, field: &Field) {
    match value {
        Value::Object(map) => {
            let known = field.fields();
            map.retain(|name, _| {
                matches!(name.as_str(), "apiVersion" | "kind")
                    || known.is_none_or(|fields| fields.contains_key(name))
            });
            for (name, child) in map.iter_mut() {
                tidy(child, field.child(name));
            }
            map.retain(|name, child| !says_nothing(child, field.child(name), field));
        }
        Value::Array(list) => list.iter_mut().for_each(|item| tidy(item, field.element())),
        _ if field.shape == Shape::Quantity => {
            if let Some(quantity) = Quantity::of(value) {
                *value = json!(quantity.to_string());
            }
        }
        _ => {}
    }
}

fn says_nothing(value: &Value, field: &Field, parent: &Field) -> bool {
    match (&field.shape, value) {
        (_, Value::Null) => true,
        (Shape::Map(_) | Shape::List(..), _) => is_empty(value),
        (Shape::Text, Value::String(text)) => {
            text.is_empty() && !matches!(parent.shape, Shape::Map(_))
        }
        _ => false,
    }
}
