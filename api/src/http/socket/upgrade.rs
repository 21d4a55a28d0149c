use std::sync::Arc;

use axum::{extract::WebSocketUpgrade, response::Response};
use domain::error::ErrorCode;
use futures::FutureExt;
use http::request::Parts;
use tracing::{Instrument, error_span};

use super::{connection, origin};
use crate::http::{answer::answer, front_door::Desk, media::Media, refusal::Refusal, stamp::Stamp};

const SUBPROTOCOL: &str = "graphql-transport-ws";

/// The library's default of 128 KiB would be most of what an idle socket costs.
const BUFFER_BYTES: usize = 4 * 1024;

/// Turns the request into a WebSocket, if its page may have one.
pub fn open(desk: Arc<Desk>, stamp: Stamp, upgrade: WebSocketUpgrade, head: &Parts) -> Response {
    if !origin::is_allowed(&head.headers, &desk.door.settings.allowed_origins) {
        let message = "this origin may not open a WebSocket";
        return answer(Media::Json, Err(Refusal::new(ErrorCode::Forbidden, message)));
    }
    let Stamp { id, address, .. } = stamp;
    // Of the highest level, so that every line has the id, whatever is logged.
    let span = error_span!("socket", request.id = id.0);
    let tasks = desk.door.tasks.clone();
    upgrade
        .protocols([SUBPROTOCOL])
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(desk.limits().message_bytes)
        .max_frame_size(desk.limits().message_bytes)
        .on_upgrade(move |socket| {
            let presence = desk.door.metrics.traffic.websocket();
            let connection = connection::serve(socket, desk, id, address).map(|()| drop(presence));
            tasks.track_future(connection.instrument(span))
        })
}
