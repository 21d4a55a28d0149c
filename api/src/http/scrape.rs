use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::{front_door::Desk, stamp::Stamp};

/// A scrape waits no longer.
const ANSWER_TIME: Duration = Duration::from_secs(4);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics, for those who hold the token or, where there is none, come from this machine.
pub async fn show(
    State(desk): State<Arc<Desk>>,
    Extension(stamp): Extension<Stamp>,
    headers: HeaderMap,
) -> Response {
    let allowed = match &desk.door.settings.metrics_token {
        Some(token) => presents(&headers, token),
        None => is_local(&stamp.peer, &headers),
    };
    if !allowed {
        return refused(desk.door.settings.metrics_token.is_some());
    }
    let metrics = &desk.door.metrics;
    let look = metrics.state.look(&desk.door.control_plane, desk.door.tail.head());
    if timeout(ANSWER_TIME, look).await.is_err() {
        metrics.state.store_is_silent();
    }
    match metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Hashed, so that the time of the comparison tells nothing of the token.
fn presents(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    given.is_some_and(|given| Sha256::digest(given) == Sha256::digest(token))
}

/// What a proxy on this machine passes on does not come from this machine.
fn is_local(peer: &SocketAddr, headers: &HeaderMap) -> bool {
    let passed_on = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];
    peer.ip().to_canonical().is_loopback()
        && passed_on.iter().all(|header| !headers.contains_key(*header))
}

fn refused(by_token: bool) -> Response {
    if by_token {
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response()
    } else {
        (StatusCode::FORBIDDEN, "without SLIPWAY_METRICS_TOKEN only for this machine")
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn a_token_must_be_presented_as_it_is() {
        assert!(presents(&with("authorization", "Bearer abc"), "abc"));
        for given in ["Bearer abcd", "Bearer ab", "Bearer ", "abc", "Basic abc"] {
            assert!(!presents(&with("authorization", given), "abc"), "{given}");
        }
        assert!(!presents(&HeaderMap::new(), "abc"));
    }

    #[test]
    fn what_a_proxy_passes_on_is_not_local() {
        let local = "127.0.0.1:4711".parse().unwrap();

        assert!(is_local(&local, &HeaderMap::new()));
        assert!(is_local(&"[::1]:1".parse().unwrap(), &HeaderMap::new()));
        assert!(!is_local(&"192.0.2.1:1".parse().unwrap(), &HeaderMap::new()));
        assert!(!is_local(&local, &with("x-forwarded-for", "192.0.2.1")));
    }
}
