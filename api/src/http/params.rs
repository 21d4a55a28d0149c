use async_graphql::{Name, Value, Variables, indexmap::IndexMap};
use domain::error::ErrorCode;

use super::{json, limits::Limits, refusal::Refusal};

/// What a client asks for, its form checked.
#[derive(Debug, PartialEq)]
pub struct Params {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
}

/// The same, as it stands in the query string of a URL.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryString {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<String>,
}

impl Params {
    #[cfg(test)]
    pub fn of(query: impl Into<String>) -> Self {
        Self { query: query.into(), operation_name: None, variables: Variables::default() }
    }

    pub fn from_body(body: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        match json::parse("the body", body, limits)? {
            Value::List(_) => Err(Refusal::invalid("a batch is not served: send one operation")),
            body => Self::from_value(body),
        }
    }

    pub fn from_query_string(query: QueryString, limits: &Limits) -> Result<Self, Refusal> {
        let variables = match query.variables.as_deref() {
            Some(text) => json::parse("variables", text.as_bytes(), limits)?,
            None => Value::Null,
        };
        Ok(Self {
            query: query.query.ok_or_else(|| Refusal::invalid("query is missing"))?,
            operation_name: query.operation_name,
            variables: variables_of(variables)?,
        })
    }

    pub fn from_value(value: Value) -> Result<Self, Refusal> {
        let Value::Object(mut members) = value else {
            return Err(Refusal::invalid("a request is a JSON object"));
        };
        let mut take = |name| members.swap_remove(name).unwrap_or_default();
        let extensions = object("extensions", take("extensions"))?;
        Ok(Self {
            query: match text("query", take("query"))? {
                Some(query) => query,
                None if extensions.contains_key("persistedQuery") => return Err(not_persisted()),
                None => return Err(Refusal::invalid("query is missing")),
            },
            operation_name: text("operationName", take("operationName"))?,
            variables: variables_of(take("variables"))?,
        })
    }
}

/// Clients that try a hash first send the whole document after this answer.
fn not_persisted() -> Refusal {
    Refusal::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound")
}

fn text(name: &str, value: Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Refusal::invalid(format!("{name} is not a string"))),
    }
}

fn variables_of(value: Value) -> Result<Variables, Refusal> {
    let members = object("variables", value)?;
    Ok(Variables::from_value(Value::Object(members)))
}

fn object(name: &str, value: Value) -> Result<IndexMap<Name, Value>, Refusal> {
    match value {
        Value::Null => Ok(IndexMap::new()),
        Value::Object(members) => Ok(members),
        _ => Err(Refusal::invalid(format!("{name} is not an object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        Params::from_body(body.as_bytes(), &Limits::default()).unwrap_err().message
    }

    #[test]
    fn reads_all_members() {
        let body = br#"{"query":"{a}","operationName":null,"variables":{"x":1},"extensions":{}}"#;

        let params = Params::from_body(body, &Limits::default()).unwrap();

        assert_eq!(params.query, "{a}");
        assert_eq!(params.operation_name, None);
        assert_eq!(params.variables["x"], Value::from(1));
    }

    #[test]
    fn refuses_members_of_another_type() {
        assert_eq!(refused(r#"{"query":1}"#), "query is not a string");
        assert_eq!(refused(r#"{"query":"{a}","variables":[]}"#), "variables is not an object");
        assert_eq!(refused(r#"{"query":"{a}","extensions":0}"#), "extensions is not an object");
        assert_eq!(
            refused(r#"{"query":"{a}","operationName":{}}"#),
            "operationName is not a string"
        );
    }

    #[test]
    fn refuses_what_is_no_request() {
        assert_eq!(refused("{}"), "query is missing");
        assert_eq!(refused("3"), "a request is a JSON object");
        assert_eq!(refused("[]"), "a batch is not served: send one operation");
    }

    #[test]
    fn asks_for_the_document_of_a_persisted_query() {
        let body = br#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#;

        let refusal = Params::from_body(body, &Limits::default()).unwrap_err();

        assert_eq!(refusal.code, ErrorCode::PersistedQueryNotFound);
    }
}
