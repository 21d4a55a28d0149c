use serde_json::Value;

use crate::{
    kinds::Kind,
    object::text,
    status_error::{Result, StatusError},
};

/// Equalities and inequalities on the fields that a kind lets one select by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSelector(Vec<(String, bool, String)>);

impl FieldSelector {
    pub fn parse(selector: &str, kind: &Kind) -> Result<Self> {
        let mut terms = Vec::new();
        for term in selector.split(',').filter(|term| !term.is_empty()) {
            let (field, equal, value) = split(term).ok_or_else(|| {
                StatusError::bad_request(format!(
                    "invalid selector: '{selector}'; can't understand '{term}'"
                ))
            })?;
            require_known(field, kind)?;
            terms.push((field.to_owned(), equal, value.to_owned()));
        }
        Ok(Self(terms))
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(field, equal, value)| (printed(object, field) == *value) == *equal)
    }

    /// The one name that can match, if it asks for one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn split(term: &str) -> Option<(&str, bool, &str)> {
    if let Some((field, value)) = term.split_once("!=") {
        return Some((field, false, value));
    }
    let (field, value) = term.split_once("==").or_else(|| term.split_once('='))?;
    Some((field, true, value))
}

fn require_known(field: &str, kind: &Kind) -> Result<()> {
    let always = ["metadata.name", "metadata.namespace"];
    if always.contains(&field) || kind.fields.contains(&field) {
        return Ok(());
    }
    let mut known = vec!["\"metadata.name\"".to_owned()];
    if kind.namespaced {
        known.push("\"metadata.namespace\"".to_owned());
    }
    known.extend(kind.fields.iter().map(|field| format!("{field:?}")));
    Err(StatusError::bad_request(format!(
        "{field:?} is not a known field selector: only {}",
        known.join(", ")
    )))
}

fn printed(object: &Value, field: &str) -> String {
    if field == "source" {
        let source = text(&object["source"]["component"]);
        let source = if source.is_empty() { text(&object["reportingComponent"]) } else { source };
        return source.to_owned();
    }
    let value = field.split('.').fold(object, |value, name| &value[name]);
    match value {
        Value::Null => match field {
            "spec.unschedulable" => "false".into(),
            "status.replicas" | "status.successful" => "0".into(),
            _ => String::new(),
        },
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
