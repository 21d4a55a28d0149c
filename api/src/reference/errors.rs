use async_graphql::parser::{
    parse_schema,
    types::{TypeKind, TypeSystemDefinition},
};
use domain::error::ErrorCode;

use super::markdown;
use crate::{graphql, http};

/// Every code that an error may have.
pub fn table() -> String {
    let meanings = meanings();
    let rows = ErrorCode::ALL.iter().map(|code| {
        let meaning = meanings.iter().find(|(name, _)| name == code.as_str());
        [
            format!("`{}`", code.as_str()),
            http::status_of(*code).as_u16().to_string(),
            if code.retryable() { "yes" } else { "no" }.to_owned(),
            meaning.map(|(_, text)| text.clone()).unwrap_or_default(),
        ]
    });
    markdown(["code", "status", "retryable", "meaning"], rows)
}

/// What the schema says of each code.
fn meanings() -> Vec<(String, String)> {
    let schema = parse_schema(graphql::sdl()).expect("a schema's own text is well-formed");
    let values = schema.definitions.into_iter().find_map(|definition| match definition {
        TypeSystemDefinition::Type(defined) if defined.node.name.node == "ErrorCode" => {
            match defined.node.kind {
                TypeKind::Enum(codes) => Some(codes.values),
                _ => None,
            }
        }
        _ => None,
    });
    let values = values.unwrap_or_default().into_iter().map(|value| {
        let description = value.node.description.map(|text| text.node).unwrap_or_default();
        (value.node.value.node.to_string(), description)
    });
    values.collect()
}
