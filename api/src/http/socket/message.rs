use async_graphql::ServerError;
use serde::Serialize;
use serde_json::Value;

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
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

/// An item that is written already, under the name that a client has given its subscription.
pub fn next(id: &str, payload: &str) -> String {
    let id = Value::from(id);
    format!(r#"{{"id":{id},"type":"next","payload":{payload}}}"#)
}
