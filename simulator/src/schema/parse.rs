//! Reads `types.txt`.

use super::field::{Field, Members, Shape, Types};

pub(super) fn types(text: &str) -> Types {
    let mut types = Types::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some(fields) = line.strip_prefix("  ") else {
            current = line.to_owned();
            types.insert(current.clone(), Default::default());
            continue;
        };
        let mut words = fields.split_whitespace();
        let field = field(words.next().unwrap_or_default());
        let members = types.entry(current.clone()).or_default();
        members.extend(words.map(|name| (name.to_owned(), field.clone())));
    }
    types
}

fn field(text: &str) -> Field {
    let (always_present, text) = marked(text, '!');
    let (atomic, text) = marked(text, '~');
    Field { shape: shape(text), atomic, always_present }
}

fn marked(text: &str, mark: char) -> (bool, &str) {
    match text.strip_prefix(mark) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn shape(text: &str) -> Shape {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let (element, keys) = inner.split_once('/').unwrap_or((inner, ""));
        let members = match keys {
            "" => Members::Whole,
            "*" => Members::Set,
            keys => Members::Keyed(keys.split(',').map(str::to_owned).collect()),
        };
        return Shape::List(Box::new(field(element)), members);
    }
    if let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return Shape::Map(Box::new(field(inner)));
    }
    match text {
        "string" | "time" => Shape::Text,
        "int" => Shape::Whole,
        "bool" => Shape::Truth,
        "quantity" => Shape::Quantity,
        "intstr" => Shape::TextOrWhole,
        "any" => Shape::Any,
        name => Shape::Object(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        kinds::KINDS,
        schema::field::{Field, Shape, types},
    };

    fn named(field: &Field) -> Option<&str> {
        match &field.shape {
            Shape::Object(name) => Some(name),
            Shape::Map(inner) | Shape::List(inner, _) => named(inner),
            _ => None,
        }
    }

    #[test]
    fn every_kind_and_every_named_type_is_described() {
        for kind in KINDS {
            assert!(types().contains_key(kind.name), "{}", kind.name);
        }
        for field in types().values().flat_map(|fields| fields.values()) {
            if let Some(name) = named(field) {
                assert!(types().contains_key(name), "{name}");
            }
        }
    }
}
