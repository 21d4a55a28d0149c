use std::{sync::Arc, time::Duration};

use axum::extract::State;
use http::StatusCode;
use tokio::time::timeout;

use super::front_door::Desk;

/// A probe waits no longer.
const ANSWER_TIME: Duration = Duration::from_secs(4);

/// The process answers; whether its store does is not asked, or an outage of the store would have
/// every process restarted.
pub async fn livez() -> &'static str {
    "ok"
}

pub async fn readyz(State(desk): State<Arc<Desk>>) -> (StatusCode, &'static str) {
    if desk.door.leaving.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    match timeout(ANSWER_TIME, desk.door.control_plane.ready()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    }
}

pub async fn schema(State(desk): State<Arc<Desk>>) -> String {
    desk.sdl.clone()
}
