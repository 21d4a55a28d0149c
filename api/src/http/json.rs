//! JSON from a client, bounded before anything recurses over it.

use async_graphql::Value;

use super::{
    limits::Limits,
    refusal::{Refusal, within},
};

/// Reads JSON of bounded nesting and size; `what` names it in a refusal.
pub fn parse(what: &str, text: &[u8], limits: &Limits) -> Result<Value, Refusal> {
    let shape = survey(text);
    within("JSON nesting", shape.nesting, limits.nesting)?;
    within("JSON value count", shape.values, limits.json_values)?;
    serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Refusal::invalid(format!("{what} is not JSON: line {line}, column {column}"))
    })
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Shape {
    nesting: usize,
    values: usize,
}

/// Counts brackets and values in one pass, whether the text is JSON or not.
fn survey(text: &[u8]) -> Shape {
    let mut shape = Shape { nesting: 0, values: 1 };
    let (mut open, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                open += 1;
                shape.nesting = shape.nesting.max(open);
                shape.values += 1;
            }
            b']' | b'}' => open = open.saturating_sub(1),
            b',' => shape.values += 1,
            _ => {}
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survey_ignores_what_stands_in_strings() {
        let shape = survey(br#"{"a\"[[[": [1, 2, "]],{\\"], "b": {}}"#);

        assert_eq!(shape, Shape { nesting: 2, values: 7 });
    }

    #[test]
    fn refuses_what_is_nested_too_deep_before_parsing() {
        let limits = Limits::default();
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));

        assert!(parse("the body", nested(40).as_bytes(), &limits).is_ok());
        for levels in [41, 500, 5_000, 100_000] {
            let refusal = parse("the body", nested(levels).as_bytes(), &limits).unwrap_err();
            assert_eq!(refusal.message, "JSON nesting exceeds the limit of 40");
        }
    }

    #[test]
    fn refuses_too_many_values() {
        let limits = Limits::default();
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));

        assert!(parse("the body", list(10_000).as_bytes(), &limits).is_ok());
        let refusal = parse("the body", list(10_001).as_bytes(), &limits).unwrap_err();
        assert_eq!(refusal.message, "JSON value count exceeds the limit of 10000");
    }

    #[test]
    fn says_where_it_is_not_json_and_repeats_nothing() {
        let refusal = parse("the body", b"{\"secret\" 1}", &Limits::default()).unwrap_err();

        assert_eq!(refusal.message, "the body is not JSON: line 1, column 11");
    }
}
