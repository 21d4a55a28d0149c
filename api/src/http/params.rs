use async_graphql::{Name, Value, Variables, indexmap::IndexMap};

use super::{json, limits::Limits, refusal::Refusal};

/// What a client asks for, its form checked.
#[derive(Debug, PartialEq)]
pub struct Params {
    /// Empty where only its name is given.
    pub query: String,
    /// What the client calls the document: its hash, or its id in a file of trusted ones.
    pub document_id: Option<String>,
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
    extensions: Option<String>,
    document_id: Option<String>,
}

impl Params {
    #[cfg(test)]
    pub fn of(query: impl Into<String>) -> Self {
        let (operation_name, document_id, variables) = Default::default();
        Self { query: query.into(), document_id, operation_name, variables }
    }

    pub fn from_body(body: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        match json::parse("the body", body, limits)? {
            Value::List(_) => Err(Refusal::invalid("a batch is not served: send one operation")),
            body => Self::from_value(body),
        }
    }

    pub fn from_query_string(query: QueryString, limits: &Limits) -> Result<Self, Refusal> {
        let parse = |name, text: Option<String>| {
            text.map_or(Ok(Value::Null), |text| json::parse(name, text.as_bytes(), limits))
        };
        let mut members = IndexMap::new();
        let texts = [
            ("query", query.query),
            ("operationName", query.operation_name),
            ("documentId", query.document_id),
        ];
        for (name, text) in texts {
            members.insert(Name::new(name), text.map_or(Value::Null, Value::String));
        }
        for (name, text) in [("variables", query.variables), ("extensions", query.extensions)] {
            members.insert(Name::new(name), parse(name, text)?);
        }
        Self::from_value(Value::Object(members))
    }

    pub fn from_value(value: Value) -> Result<Self, Refusal> {
        let Value::Object(mut members) = value else {
            return Err(Refusal::invalid("a request is a JSON object"));
        };
        let mut take = |name| members.swap_remove(name).unwrap_or_default();
        let mut extensions = object("extensions", take("extensions"))?;
        let hash = persisted(extensions.swap_remove("persistedQuery").unwrap_or_default())?;
        let document_id = text("documentId", take("documentId"))?.or(hash);
        let query = text("query", take("query"))?;
        if query.is_none() && document_id.is_none() {
            return Err(Refusal::invalid("query is missing"));
        }
        Ok(Self {
            query: query.unwrap_or_default(),
            document_id,
            operation_name: text("operationName", take("operationName"))?,
            variables: variables_of(take("variables"))?,
        })
    }
}

/// The hash of an automatic persisted query.
fn persisted(value: Value) -> Result<Option<String>, Refusal> {
    let mut members = object("persistedQuery", value)?;
    if members.is_empty() {
        return Ok(None);
    }
    if members.get("version").is_some_and(|version| *version != Value::from(1)) {
        return Err(Refusal::invalid("persistedQuery has another version than 1"));
    }
    text("sha256Hash", members.swap_remove("sha256Hash").unwrap_or_default())
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
    fn a_document_may_be_named_instead_of_sent() {
        let hash = br#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#;
        let id = br#"{"documentId":"x1"}"#;

        for (body, id) in [(&hash[..], "ab"), (&id[..], "x1")] {
            let params = Params::from_body(body, &Limits::default()).unwrap();
            assert_eq!((params.query.as_str(), params.document_id.as_deref()), ("", Some(id)));
        }
        assert_eq!(
            refused(r#"{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"ab"}}}"#),
            "persistedQuery has another version than 1"
        );
    }
}
