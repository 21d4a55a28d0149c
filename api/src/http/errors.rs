//! Errors of the engine itself, which come without a code and may repeat what the client sent.

use async_graphql::{Response, ServerError, Value};
use domain::error::ErrorCode;

use super::refusal::{MESSAGE_BYTES, clip};

/// A refused document may have an error per field: the first ones do.
const MOST_ERRORS: usize = 4;
const MOST_MESSAGE_BYTES: usize = 2 * MESSAGE_BYTES;
const MOST_LOCATIONS: usize = 2;

/// Whether the operation failed before it began.
pub fn is_request_error(response: &Response) -> bool {
    let errors = &response.errors;
    !errors.is_empty()
        && response.data == Value::Null
        && errors.iter().all(|error| error.path.is_empty())
}

/// Gives every error a code and `retryable`, and keeps those of the engine short.
pub fn settle(response: &mut Response) {
    let code = match is_request_error(response) {
        true => ErrorCode::GraphqlValidationFailed,
        false => ErrorCode::Invalid,
    };
    for error in &mut response.errors {
        if code_of(error).is_none() {
            shorten(error);
            error.extensions.get_or_insert_default().set("code", code.as_str());
        }
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("retryable").is_none() {
            extensions.set("retryable", false);
        }
    }
    if code == ErrorCode::GraphqlValidationFailed {
        keep_first(&mut response.errors);
    }
}

pub fn code_of(error: &ServerError) -> Option<ErrorCode> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => ErrorCode::parse(code),
        _ => None,
    }
}

fn keep_first(errors: &mut Vec<ServerError>) {
    errors.truncate(MOST_ERRORS);
    let mut bytes = 0;
    errors.retain(|error| {
        bytes += error.message.len();
        bytes <= MOST_MESSAGE_BYTES
    });
}

fn shorten(error: &mut ServerError) {
    // What follows is the client's value, which may be a secret in the wrong place.
    if let Some(value) = error.message.find(", found ") {
        error.message.truncate(value);
    }
    error.message.retain(|character| !character.is_control());
    error.message = clip(std::mem::take(&mut error.message), MESSAGE_BYTES);
    error.locations.truncate(MOST_LOCATIONS);
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, Pos, value};

    use super::*;

    fn error(message: &str) -> ServerError {
        ServerError::new(message, Some(Pos { line: 1, column: 1 }))
    }

    #[test]
    fn validation_errors_are_few_and_short() {
        let errors = vec![error(&"Unknown field ".repeat(99)); 400];
        let mut response = Response::from_errors(errors);

        settle(&mut response);

        let written = serde_json::to_string(&response).unwrap();
        assert!(written.len() < 1_024, "{} bytes", written.len());
        assert_eq!(code_of(&response.errors[0]), Some(ErrorCode::GraphqlValidationFailed));
    }

    #[test]
    fn a_refused_argument_is_invalid_and_not_repeated() {
        let mut refused = error("Expected input type \"Int\", found \"secret\".");
        refused.path = vec![PathSegment::Field("a".into())];
        let mut response = Response::from_errors(vec![refused]);

        settle(&mut response);

        assert_eq!(response.errors[0].message, "Expected input type \"Int\"");
        assert_eq!(code_of(&response.errors[0]), Some(ErrorCode::Invalid));
    }

    #[test]
    fn codes_of_resolvers_stay() {
        let mut coded = error("port in use");
        coded.extensions.get_or_insert_default().set("code", "PORTS_EXHAUSTED");
        let mut response = Response::new(value!({ "a": null }));
        response.errors.push(coded);

        settle(&mut response);

        assert_eq!(code_of(&response.errors[0]), Some(ErrorCode::PortsExhausted));
        assert!(!is_request_error(&response));
    }
}
