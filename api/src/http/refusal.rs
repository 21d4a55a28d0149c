use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError};
use domain::error::ErrorCode;
use http::StatusCode;

/// The longest message that a refusal or an error of the engine may have.
pub const MESSAGE_BYTES: usize = 200;

/// Why a request is not run. Its message never repeats what the client sent at length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
    pub position: Option<Pos>,
    /// Where the code alone does not tell the HTTP status.
    pub status: Option<StatusCode>,
    pub retry_after_seconds: Option<u64>,
    /// The limit that is exceeded, and its value.
    pub limit: Option<(&'static str, usize)>,
}

impl Refusal {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = clip(message.into(), MESSAGE_BYTES);
        Self { code, message, position: None, status: None, retry_after_seconds: None, limit: None }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    pub fn unparsable(message: impl Into<String>, position: Option<Pos>) -> Self {
        Self { position, ..Self::new(ErrorCode::GraphqlParseFailed, message) }
    }

    pub fn not_valid(message: impl Into<String>, position: Option<Pos>) -> Self {
        Self { position, ..Self::new(ErrorCode::GraphqlValidationFailed, message) }
    }

    pub fn internal() -> Self {
        Self::new(ErrorCode::Internal, "internal error")
    }

    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status: Some(status), ..self }
    }

    pub fn into_error(self) -> ServerError {
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", self.code.as_str());
        extensions.set("retryable", self.code.retryable());
        if let Some(seconds) = self.retry_after_seconds {
            extensions.set("retryAfter", seconds);
        }
        if let Some((limit, maximum)) = self.limit {
            extensions.set("limit", limit);
            extensions.set("maximum", maximum);
        }
        let mut error = ServerError::new(self.message, self.position);
        error.extensions = Some(extensions);
        error
    }

    pub fn into_response(self) -> Response {
        Response::from_errors(vec![self.into_error()])
    }
}

impl From<domain::Error> for Refusal {
    fn from(error: domain::Error) -> Self {
        let code = error.code();
        match error {
            domain::Error::Internal { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "internal error");
                Self::internal()
            }
            domain::Error::RateLimited { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                ..Self::new(code, error.to_string())
            },
            _ => Self::new(code, error.to_string()),
        }
    }
}

/// Refuses what exceeds its limit, and says which one that is.
pub fn within(what: &'static str, found: usize, limit: usize) -> Result<(), Refusal> {
    if found <= limit {
        return Ok(());
    }
    let message = format!("{what} exceeds the limit of {limit}");
    Err(Refusal { limit: Some((what, limit)), ..Refusal::new(ErrorCode::TooComplex, message) })
}

/// Cuts a text to at most so many bytes, between two characters.
pub fn clip(mut text: String, bytes: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clip_keeps_characters_whole() {
        assert_eq!(clip("añb".into(), 2), "a");
        assert_eq!(clip("añb".into(), 3), "añ");
        assert_eq!(clip("añb".into(), 9), "añb");
    }

    #[test]
    fn within_names_the_limit() {
        assert!(within("nesting", 40, 40).is_ok());

        let refusal = within("nesting", 41, 40).unwrap_err();

        assert_eq!(refusal.code, ErrorCode::TooComplex);
        assert_eq!(refusal.message, "nesting exceeds the limit of 40");
        assert_eq!(refusal.limit, Some(("nesting", 40)));
    }

    #[test]
    fn an_internal_cause_stays_inside() {
        let refusal = Refusal::from(domain::Error::internal("row 7 is broken"));

        assert_eq!(refusal, Refusal::internal());
    }
}
