//! Finds what does not fit the schema.

use serde_json::Value;

use super::field::{Field, Shape};
use crate::quantity::{Quantity, UNREADABLE};

/// A misfit, with the dotted path that leads to it.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    UnknownField(String),
    WrongType { path: String, expected: &'static str, got: &'static str },
    UnreadableQuantity,
}

impl Fault {
    /// What is said of a field that nobody knows.
    pub fn unknown(&self) -> Option<String> {
        match self {
            Self::UnknownField(path) => {
                Some(format!("unknown field {:?}", path.trim_start_matches('.')))
            }
            _ => None,
        }
    }

    /// What a decoder says of it; nothing if it can be overlooked.
    pub fn misfit(&self) -> Option<String> {
        match self {
            Self::UnknownField(_) => None,
            Self::WrongType { path, got, .. } => {
                Some(format!("json: cannot unmarshal {got} into Go struct field {path}"))
            }
            Self::UnreadableQuantity => Some(UNREADABLE.to_owned()),
        }
    }
}

/// Everything in `value` that `field` does not allow, in order.
pub(crate) fn check(value: &Value, field: &Field) -> Vec<Fault> {
    let mut faults = Vec::new();
    visit(value, field, "", &mut faults);
    faults
}

fn visit(value: &Value, field: &Field, path: &str, faults: &mut Vec<Fault>) {
    match (&field.shape, value) {
        (Shape::Any, _) | (_, Value::Null) => {}
        (Shape::Object(_), Value::Object(map)) => {
            for (name, child) in map {
                visit_field(field, name, child, path, faults);
            }
        }
        (Shape::Map(element), Value::Object(map)) => {
            for (name, child) in map {
                visit(child, element, &format!("{path}.{name}"), faults);
            }
        }
        (Shape::List(element, _), Value::Array(list)) => {
            for (index, child) in list.iter().enumerate() {
                visit(child, element, &format!("{path}[{index}]"), faults);
            }
        }
        (Shape::Quantity, Value::String(_) | Value::Number(_)) => {
            if Quantity::of(value).is_none() {
                faults.push(Fault::UnreadableQuantity);
            }
        }
        (shape, value) => {
            if let Some(expected) = mismatch(shape, value) {
                faults.push(Fault::WrongType {
                    path: path.to_owned(),
                    expected,
                    got: type_name(value),
                });
            }
        }
    }
}

fn visit_field(field: &Field, name: &str, child: &Value, path: &str, faults: &mut Vec<Fault>) {
    let path = format!("{path}.{name}");
    let at_root = path == ".apiVersion" || path == ".kind";
    match field.fields().map(|fields| fields.get(name)) {
        Some(None) if !at_root && !name_of_embedded_kind(field, name) => {
            faults.push(Fault::UnknownField(path));
        }
        Some(Some(inner)) => visit(child, inner, &path, faults),
        _ => {}
    }
}

/// Claim templates may say what they are.
fn name_of_embedded_kind(field: &Field, name: &str) -> bool {
    let claim = Shape::Object("PersistentVolumeClaim".into());
    matches!(name, "apiVersion" | "kind") && field.shape == claim
}

fn mismatch(shape: &Shape, value: &Value) -> Option<&'static str> {
    match (shape, value) {
        (Shape::Text, Value::String(_))
        | (Shape::Whole, Value::Number(_))
        | (Shape::Truth, Value::Bool(_))
        | (Shape::TextOrWhole, Value::String(_) | Value::Number(_)) => None,
        (Shape::Text | Shape::TextOrWhole | Shape::Quantity, _) => Some("string"),
        (Shape::Whole, _) => Some("numeric (int or float)"),
        (Shape::Truth, _) => Some("boolean"),
        (Shape::List(..), _) => Some("list"),
        _ => Some("map"),
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}
