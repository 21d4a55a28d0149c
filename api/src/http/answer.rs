use std::collections::BTreeMap;

use async_graphql::{ServerError, Value};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use domain::error::ErrorCode;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::{
    bill::Cost,
    errors::{code_of, is_request_error},
    media::Media,
    refusal::Refusal,
};
use crate::graphql::Answer;

/// An operation that did not begin has no `data`, not even `null`.
#[derive(Serialize)]
pub struct RequestErrors {
    errors: Vec<ServerError>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Value>,
}

/// What became of an operation, as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Written {
    Response(async_graphql::Response),
    RequestErrors(RequestErrors),
}

impl From<async_graphql::Response> for Written {
    fn from(response: async_graphql::Response) -> Self {
        if !is_request_error(&response) {
            return Self::Response(response);
        }
        let (errors, extensions) = (response.errors, response.extensions);
        Self::RequestErrors(RequestErrors { errors, extensions })
    }
}

/// What became of an operation that was let in.
pub enum Outcome {
    /// By the engine.
    Executed(async_graphql::Response),
    /// The short way: as it is written, and without an error.
    Compiled(String),
}

impl From<async_graphql::Response> for Outcome {
    fn from(response: async_graphql::Response) -> Self {
        Self::Executed(response)
    }
}

impl Outcome {
    pub fn compiled(answer: &Answer, cost: &Cost) -> Self {
        Self::Compiled(format!(
            r#"{{"data":{},"extensions":{{"cost":{}}}}}"#,
            answer.data,
            serde_json::to_string(cost).expect("a cost has no keys but texts"),
        ))
    }

    /// Of its first error.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Executed(response) => response.errors.first().and_then(code_of),
            Self::Compiled(_) => None,
        }
    }
}

/// Writes what became of a request. Refusals by resolvers are answers like any other: 200.
pub fn answer(media: Media, outcome: Result<Outcome, Refusal>) -> Response {
    let outcome = match outcome {
        Ok(Outcome::Compiled(text)) => return write(media, StatusCode::OK, text),
        Ok(Outcome::Executed(response)) => Ok(Written::from(response)),
        Err(refusal) => Err(refusal),
    };
    match outcome {
        Ok(Written::RequestErrors(body)) => {
            let status = status(&body.errors, media);
            refuse(media, status, body)
        }
        Ok(Written::Response(response)) => write(media, StatusCode::OK, Json(response)),
        Err(refusal) => {
            let given = refusal.status;
            let errors = vec![refusal.into_error()];
            let status = given.unwrap_or_else(|| status(&errors, media));
            refuse(media, status, RequestErrors { errors, extensions: BTreeMap::new() })
        }
    }
}

/// Whoever asks for plain JSON by name gets 200 for a well-formed request even where its document
/// is not GraphQL, as clients of before `application/graphql-response+json` expect.
fn status(errors: &[ServerError], media: Media) -> StatusCode {
    match errors.first().and_then(code_of) {
        Some(
            ErrorCode::GraphqlParseFailed
            | ErrorCode::GraphqlValidationFailed
            | ErrorCode::PersistedQueryNotFound,
        ) if media == Media::Json => StatusCode::OK,
        Some(code) => status_of(code),
        None => StatusCode::BAD_REQUEST,
    }
}

/// The status of an operation that did not begin.
pub fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
        ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Unavailable | ErrorCode::StoreBusy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn refuse(media: Media, status: StatusCode, body: RequestErrors) -> Response {
    let retry_after = retry_after(&body.errors);
    let mut response = write(media, status, Json(body));
    let headers = response.headers_mut();
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
        }
        _ => {}
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn retry_after(errors: &[ServerError]) -> Option<u64> {
    match errors.first()?.extensions.as_ref()?.get("retryAfter")? {
        Value::Number(seconds) => seconds.as_u64(),
        _ => None,
    }
}

fn write(media: Media, status: StatusCode, body: impl IntoResponse) -> Response {
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
    response
}
