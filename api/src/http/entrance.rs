use std::sync::Arc;

use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    response::{IntoResponse, Response},
};
use http::{header, request::Parts};

use super::{front_door::Desk, graphql, media::wants_html, page, socket, stamp::Stamp};

/// What stands behind GET depends on who asks: a WebSocket for those who upgrade, a page for
/// browsers, the answer to a query, or events, for all others.
pub async fn enter(
    State(desk): State<Arc<Desk>>,
    Extension(stamp): Extension<Stamp>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    head: Parts,
) -> Response {
    if head.headers.contains_key(header::UPGRADE) {
        return match upgrade {
            Ok(upgrade) => socket::open(desk, stamp, upgrade, &head),
            Err(rejection) => rejection.into_response(),
        };
    }
    if wants_html(&head.headers) {
        return page::show();
    }
    graphql::get(&desk, stamp, &head).await
}
