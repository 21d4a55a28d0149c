use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::watch::Watch;
use crate::status_error::StatusError;

/// What a call comes to.
pub(super) enum Answer {
    Json {
        code: StatusCode,
        body: Value,
        warnings: Vec<String>,
        retry_after: Option<u64>,
    },
    Text {
        code: StatusCode,
        body: String,
    },
    Watch(Box<Watch>),
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub fn json(code: StatusCode, body: Value) -> Self {
        Self::Json {
            code,
            body,
            warnings: Vec::new(),
            retry_after: None,
        }
    }

    pub fn text(code: StatusCode, body: impl Into<String>) -> Self {
        Self::Text {
            code,
            body: body.into(),
        }
    }

    pub fn refusal(refusal: &StatusError) -> Self {
        Self::Json {
            code: refusal.code(),
            body: refusal.to_json(),
            warnings: Vec::new(),
            retry_after: refusal.retry_after_seconds(),
        }
    }

    pub fn warn(mut self, messages: Vec<String>) -> Self {
        if let Self::Json { warnings, .. } = &mut self {
            warnings.extend(messages);
        }
        self
    }

    pub fn into_response(self) -> Response {
        match self {
            Self::Json {
                code,
                body,
                warnings,
                retry_after,
            } => {
                let mut response = plain(code, "application/json", body.to_string());
                for warning in warnings {
                    let text = format!("299 - \"{}\"", warning.replace('"', "\\\""));
                    if let Ok(value) = HeaderValue::from_str(&text) {
                        response.headers_mut().append(header::WARNING, value);
                    }
                }
                if let Some(wait) = retry_after {
                    response
                        .headers_mut()
                        .insert(header::RETRY_AFTER, wait.into());
                }
                response
            }
            Self::Text { code, body } => plain(code, "text/plain; charset=utf-8", body),
            Self::Watch(watch) => {
                let mut response = Response::new(Body::from_stream(watch.into_lines()));
                let kind = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
        }
    }

    /// A response that breaks off, although the call has had its effect.
    pub fn into_broken_response(self) -> Response {
        let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection reset");
        let pieces: [Result<Bytes, std::io::Error>; 1] = [Err(broken)];
        Response::new(Body::from_stream(stream::iter(pieces)))
    }
}

fn plain(code: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    response
}
