use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tracing::{Instrument, error_span, field::Empty};

use super::{address::Address, front_door::Desk};
use crate::traces;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_ID: usize = 64;

/// Unless an answer says otherwise: nothing of it is kept, framed or taken for a page.
const HARDENING: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// What a request is called in answers, events and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Names the request, and says of every answer how a browser has to treat it.
pub async fn stamp(State(desk): State<Arc<Desk>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let value = HeaderValue::from_str(&id.0);
    // Of the highest level, so that every line has the id, whatever is logged.
    let span = error_span!(
        "request",
        otel.kind = "server",
        request.id = id.0,
        http.request.method = request.method().as_str(),
        http.response.status_code = Empty,
    );
    traces::join(&span, request.headers());
    let proxies = &desk.door.settings.trusted_proxies;
    let address = Address::behind(request.extensions(), request.headers(), proxies);
    request.extensions_mut().insert(address);
    request.extensions_mut().insert(id);
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    desk.door.metrics.traffic.responded(response.status());
    let headers = response.headers_mut();
    if let Ok(value) = value {
        headers.insert(X_REQUEST_ID, value);
    }
    if desk.door.leaving.is_cancelled() {
        // The next request goes to whoever stays.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    for (name, value) in HARDENING {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

impl RequestId {
    /// The client's own id if it is short and plain, otherwise a new one.
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        match given.filter(|id| is_plain(id)) {
            Some(id) => Self(id.to_owned()),
            None => Self::random(),
        }
    }

    /// It only correlates log lines: nobody gains by guessing it.
    fn random() -> Self {
        Self(format!("{:032x}", fastrand::u128(..)))
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_str(given).unwrap());
        RequestId::of(&headers).0
    }

    #[test]
    fn takes_a_plain_id_and_replaces_any_other() {
        assert_eq!(id_for("trace-1.a_B"), "trace-1.a_B");
        for bad in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            let made = id_for(bad);
            assert_eq!(made.len(), 32);
            assert!(made.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
    }
}
