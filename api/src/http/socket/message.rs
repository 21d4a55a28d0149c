use async_graphql::{Response, ServerError};
use serde::Serialize;

/// How far the reader misses nothing of what it follows; good to resume from.
#[derive(Serialize)]
pub struct Bookmark {
    pub cursor: String,
}

/// What the server says.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message<'a> {
    ConnectionAck,
    Ping {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Bookmark>,
    },
    Pong,
    Next {
        id: &'a str,
        payload: &'a Response,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}
