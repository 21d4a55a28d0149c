use serde_json::{Value, json};

/// A column: its name, its type, and whether only a wide table shows it.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Column(pub &'static str, pub &'static str, pub bool);

impl Column {
    pub fn to_json(self) -> Value {
        let Self(name, kind, wide) = self;
        json!({
            "name": name,
            "type": kind,
            "format": if name == "Name" { "name" } else { "" },
            "description": "",
            "priority": i32::from(wide),
        })
    }
}

pub(super) const fn text(name: &'static str) -> Column {
    Column(name, "string", false)
}

pub(super) const fn number(name: &'static str) -> Column {
    Column(name, "integer", false)
}

pub(super) const fn wide(name: &'static str) -> Column {
    Column(name, "string", true)
}
