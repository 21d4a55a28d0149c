use std::{error::Error as StdError, fmt};

use crate::quota::QuotaShortfall;

pub type Result<T, E = Error> = std::result::Result<T, E>;

pub type Source = Box<dyn StdError + Send + Sync>;

/// The one error that crosses crates. A variant exists where a program acts on it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{kind} {id} was not found")]
    NotFound { kind: &'static str, id: String },
    #[error("{kind} {name} exists already")]
    AlreadyExists { kind: &'static str, name: String },
    /// `field` is a path as the client wrote it, such as `input.email`.
    #[error("{field}: {message}")]
    Invalid { field: String, message: String },
    #[error("{what} is {from}: cannot become {to}")]
    InvalidTransition { what: String, from: &'static str, to: &'static str },
    /// Somebody else changed the same row first.
    #[error("{0}")]
    Conflict(String),
    /// Every dimension in which a tenant's quota does not suffice.
    #[error("the quota does not suffice: {}", shown(.0))]
    QuotaExceeded(Vec<QuotaShortfall>),
    #[error("no port is free in {range}")]
    PortsExhausted { range: String },
    #[error("the idempotency key was used with another input")]
    IdempotencyMismatch,
    /// `earliest` is the oldest cursor that can still be resumed from.
    #[error("the cursor is older than what is kept")]
    CursorExpired { earliest: String },
    #[error("too many requests")]
    RateLimited { retry_after_seconds: u64 },
    #[error("a valid access token is needed")]
    Unauthenticated,
    #[error("{0}")]
    Forbidden(String),
    /// The store would not take another writer in time.
    #[error("the store is busy")]
    StoreBusy(#[source] Source),
    /// Something outside does not answer; it may do so later.
    #[error("{what} is unavailable")]
    Unavailable { what: &'static str, source: Source },
    /// A defect or broken data; its text never reaches a client.
    #[error("{context}")]
    Internal { context: String, source: Option<Source> },
}

impl Error {
    pub fn not_found(kind: &'static str, id: impl fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    pub fn internal(context: impl Into<String>) -> Self {
        Self::Internal { context: context.into(), source: None }
    }

    /// For what cannot happen short of a defect.
    pub fn internal_from(error: impl Into<Source>) -> Self {
        Self::Internal {
            context: "something that cannot fail failed".to_owned(),
            source: Some(error.into()),
        }
    }

    pub fn unavailable(what: &'static str, source: impl Into<Source>) -> Self {
        Self::Unavailable { what, source: source.into() }
    }

    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Self::Invalid { .. } => ErrorCode::Invalid,
            Self::InvalidTransition { .. } => ErrorCode::InvalidTransition,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::QuotaExceeded(_) => ErrorCode::QuotaExceeded,
            Self::PortsExhausted { .. } => ErrorCode::PortsExhausted,
            Self::IdempotencyMismatch => ErrorCode::IdempotencyMismatch,
            Self::CursorExpired { .. } => ErrorCode::CursorExpired,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Unauthenticated => ErrorCode::Unauthenticated,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::StoreBusy(_) => ErrorCode::StoreBusy,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// Whether the same call may succeed later without anybody changing it.
    pub fn retryable(&self) -> bool {
        self.code().retryable()
    }
}

fn shown(shortfalls: &[QuotaShortfall]) -> String {
    let shown = |it: &QuotaShortfall| {
        format!("{} requested {}, available {}", it.dimension.as_str(), it.requested, it.available)
    };
    shortfalls.iter().map(shown).collect::<Vec<_>>().join("; ")
}

/// What `extensions.code` of an error may hold, for domain refusals and request errors alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    Unauthenticated,
    Forbidden,
    NotFound,
    AlreadyExists,
    Invalid,
    InvalidTransition,
    Conflict,
    QuotaExceeded,
    PortsExhausted,
    IdempotencyMismatch,
    CursorExpired,
    RateLimited,
    TooComplex,
    Unavailable,
    Internal,
    StoreBusy,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    PersistedQueryNotFound,
}

impl ErrorCode {
    pub const ALL: &[Self] = &[
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Invalid,
        Self::InvalidTransition,
        Self::Conflict,
        Self::QuotaExceeded,
        Self::PortsExhausted,
        Self::IdempotencyMismatch,
        Self::CursorExpired,
        Self::RateLimited,
        Self::TooComplex,
        Self::Unavailable,
        Self::Internal,
        Self::StoreBusy,
        Self::GraphqlParseFailed,
        Self::GraphqlValidationFailed,
        Self::PersistedQueryNotFound,
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Invalid => "INVALID",
            Self::InvalidTransition => "INVALID_TRANSITION",
            Self::Conflict => "CONFLICT",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::PortsExhausted => "PORTS_EXHAUSTED",
            Self::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::CursorExpired => "CURSOR_EXPIRED",
            Self::RateLimited => "RATE_LIMITED",
            Self::TooComplex => "TOO_COMPLEX",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
            Self::StoreBusy => "STORE_BUSY",
            Self::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Self::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
        }
    }

    pub fn retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::StoreBusy | Self::RateLimited)
    }
}
