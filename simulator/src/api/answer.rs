use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

use super::{follow::Follow, watch::Watch};
use crate::status_error::StatusError;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
/// Of logs, whose encoding nobody knows.
pub(super) const LOG: &str = "text/plain";

/// What a call comes to.
pub(super) enum Answer {
    Json {
        code: StatusCode,
        body: Value,
        content_type: &'static str,
        warnings: Vec<String>,
        retry_after: Option<u64>,
    },
    Text {
        code: StatusCode,
        body: String,
        content_type: &'static str,
    },
    Watch(Box<Watch>),
    Lines(Box<Follow>),
}

impl Answer {
    pub fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    pub fn json(code: StatusCode, body: Value) -> Self {
        Self::Json { code, body, content_type: JSON, warnings: Vec::new(), retry_after: None }
    }

    pub fn text(code: StatusCode, body: impl Into<String>) -> Self {
        Self::Text { code, body: body.into(), content_type: TEXT }
    }

    pub fn refusal(refusal: &StatusError) -> Self {
        Self::Json {
            code: refusal.code(),
            body: refusal.to_json(),
            content_type: JSON,
            warnings: Vec::new(),
            retry_after: refusal.retry_after_seconds(),
        }
    }

    pub fn of_type(mut self, kind: &'static str) -> Self {
        if let Self::Json { content_type, .. } | Self::Text { content_type, .. } = &mut self {
            *content_type = kind;
        }
        self
    }

    /// With the body of a success in another form.
    pub fn shown(mut self, form: impl FnOnce(Value) -> Value) -> Self {
        if let Self::Json { body, .. } = &mut self {
            *body = form(body.take());
        }
        self
    }

    pub fn warn(mut self, messages: Vec<String>) -> Self {
        if let Self::Json { warnings, .. } = &mut self {
            warnings.extend(messages);
        }
        self
    }

    pub fn into_response(self) -> Response {
        match self {
            Self::Json { code, body, content_type, warnings, retry_after } => {
                let mut response = plain(code, content_type, body.to_string());
                for warning in warnings {
                    let text = format!("299 - \"{}\"", warning.replace('"', "\\\""));
                    if let Ok(value) = HeaderValue::from_str(&text) {
                        response.headers_mut().append(header::WARNING, value);
                    }
                }
                if let Some(wait) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, wait.into());
                }
                response
            }
            Self::Text { code, body, content_type } => plain(code, content_type, body),
            Self::Watch(watch) => stream_of(JSON, Body::from_stream(watch.into_lines())),
            Self::Lines(follow) => stream_of(LOG, Body::from_stream(follow.into_lines())),
        }
    }

    /// A response that breaks off, although the call has had its effect.
    pub fn into_broken_response(self) -> Response {
        let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "connection reset");
        let pieces: [Result<Bytes, std::io::Error>; 1] = [Err(broken)];
        Response::new(Body::from_stream(stream::iter(pieces)))
    }
}

fn stream_of(kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn plain(code: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = code;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    response
}
