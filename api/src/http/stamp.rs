use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use tracing::{Level, Span, enabled, error_span, field::Empty};

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

/// What is known of a request before anybody looks at what it asks for.
#[derive(Clone)]
pub struct Stamp {
    pub peer: SocketAddr,
    /// The client's, if the peer is a proxy of ours.
    pub address: Address,
    pub id: RequestId,
}

impl Stamp {
    pub fn new<B>(desk: &Desk, peer: SocketAddr, request: &Request<B>) -> Self {
        let (headers, proxies) = (request.headers(), &desk.door.settings.trusted_proxies);
        let address = Address::behind(peer.ip(), headers, proxies);
        Self { peer, address, id: RequestId::of(headers) }
    }

    /// What every line that is logged for the request stands in.
    pub fn span<B>(&self, request: &Request<B>) -> Span {
        // Of the highest level, so that every line has the id, whatever is logged.
        if !enabled!(Level::INFO) {
            return error_span!("request", request.id = self.id.0);
        }
        let span = error_span!(
            "request",
            otel.kind = "server",
            request.id = self.id.0,
            http.request.method = request.method().as_str(),
            http.response.status_code = Empty,
        );
        traces::join(&span, request.headers());
        span
    }
}

impl Desk {
    /// Names the request in its answer, and says how a browser has to treat that.
    pub fn stamp<B>(&self, span: &Span, id: HeaderValue, response: &mut Response<B>) {
        let status = response.status();
        span.record("http.response.status_code", status.as_u16());
        self.door.metrics.traffic.responded(status);
        let headers = response.headers_mut();
        headers.reserve(HARDENING.len() + 1);
        headers.insert(X_REQUEST_ID, id);
        if self.door.leaving.is_cancelled() {
            // The next request goes to whoever stays.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in HARDENING {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
    }
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

    pub fn to_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("an id is plain")
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
