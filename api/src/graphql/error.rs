use std::sync::Arc;

use async_graphql::{Enum, ErrorExtensionValues, Value, value};
use domain::{Error, error::ErrorCode, quota::QuotaShortfall};

/// A domain error on its way to a client. It has no `Display`, so that it cannot turn into an
/// error without a code by accident.
#[derive(Clone, Debug)]
pub struct ApiError(Arc<Error>);

pub type Result<T, E = ApiError> = std::result::Result<T, E>;

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Internal { .. } | Error::Unavailable { .. }) {
            tracing::error!(error = chain(&error), "a request failed");
        }
        Self(Arc::new(error))
    }
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        coded(&error.0)
    }
}

/// The error as a client sees it: a code, whether it is worth another try, and what belongs to
/// the code. The cause of an internal error stays here.
pub fn coded(error: &Error) -> async_graphql::Error {
    let message = match error {
        Error::Internal { .. } => "internal error".to_owned(),
        shown => shown.to_string(),
    };
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", error.code().as_str());
    extensions.set("retryable", error.retryable());
    match error {
        Error::Invalid { field, .. } => extensions.set("field", field.as_str()),
        Error::InvalidTransition { from, to, .. } => {
            extensions.set("from", *from);
            extensions.set("to", *to);
        }
        Error::QuotaExceeded(shortfalls) => {
            extensions.set("dimensions", Value::List(shortfalls.iter().map(lacking).collect()));
        }
        Error::PortsExhausted { range } => extensions.set("range", range.as_str()),
        Error::CursorExpired { earliest } => extensions.set("earliest", earliest.as_str()),
        Error::RateLimited { retry_after_seconds } => {
            extensions.set("retryAfter", Value::from(*retry_after_seconds));
        }
        _ => {}
    }
    async_graphql::Error { message, source: None, extensions: Some(extensions) }
}

fn lacking(shortfall: &QuotaShortfall) -> Value {
    let QuotaShortfall { dimension, requested, available } = *shortfall;
    value!({ "dimension": dimension.as_str(), "requested": requested, "available": available })
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// What `extensions.code` of an error may be.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "ErrorCode", remote = "ErrorCode")]
pub enum ErrorCodeName {
    /// A valid access token is needed.
    Unauthenticated,
    /// The caller may see it but lacks the right to do this.
    Forbidden,
    /// It does not exist, or is not the caller's to see.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// An input is not acceptable; `field` says which.
    Invalid,
    /// The state does not allow it; `from` and `to` say which states.
    InvalidTransition,
    /// Somebody else changed it first, or a rule is in the way.
    Conflict,
    /// A quota does not suffice; `dimensions` says which and how much.
    QuotaExceeded,
    /// No port is free in `range`.
    PortsExhausted,
    /// The idempotency key was used with another input.
    IdempotencyMismatch,
    /// The cursor is older than what is kept; `earliest` is the oldest that can be resumed from.
    CursorExpired,
    /// Too many requests; `retryAfter` says how many seconds to wait.
    RateLimited,
    /// The document is larger than a limit; the message says which one.
    TooComplex,
    /// Something does not answer; try again.
    Unavailable,
    /// A defect of the server.
    Internal,
    /// The store would not take another writer in time; try again.
    StoreBusy,
    /// The document is not GraphQL.
    GraphqlParseFailed,
    /// The document does not fit the schema.
    GraphqlValidationFailed,
    /// The hash names no known document.
    PersistedQueryNotFound,
}
