use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that speaks graphql-transport-ws.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// One subscription on a connection of its own.
pub struct Subscription(Socket);

impl Socket {
    /// Connects without saying anything yet.
    pub async fn open(address: &str) -> Self {
        let mut request = format!("ws://{address}/graphql").into_client_request().unwrap();
        let protocol = "graphql-transport-ws".parse().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        Self(connect_async(request).await.unwrap().0)
    }

    /// Connects as the owner of a token and waits for the acknowledgement.
    pub async fn connect(address: &str, token: Option<&str>) -> Self {
        let mut socket = Self::open(address).await;
        let payload = match token {
            Some(token) => json!({ "authorization": format!("Bearer {token}") }),
            None => json!({}),
        };
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket
    }

    pub async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, document: &str, variables: Value) {
        let payload = json!({ "query": document, "variables": variables });
        self.say(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message; none once the connection has ended, however that came about.
    pub async fn try_hear(&mut self) -> Option<Value> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next()).await.expect("nothing came")? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message; the server's pings are answered by the way.
    pub async fn hear(&mut self) -> Value {
        loop {
            match self.frame().await {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    if message["type"] != "ping" {
                        return message;
                    }
                    self.say(json!({ "type": "pong" })).await;
                }
                Message::Close(close) => panic!("closed: {close:?}"),
                _ => {}
            }
        }
    }

    /// The cursor of the next ping that brings one.
    pub async fn bookmark(&mut self) -> String {
        loop {
            if let Message::Text(text) = self.frame().await {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] == "ping" {
                    self.say(json!({ "type": "pong" })).await;
                    if let Some(cursor) = message["payload"]["cursor"].as_str() {
                        return cursor.to_owned();
                    }
                }
            }
        }
    }

    /// The next message, or null where nothing came up to that cursor.
    pub async fn hear_up_to(&mut self, head: &str) -> Value {
        loop {
            if let Message::Text(text) = self.frame().await {
                let message: Value = serde_json::from_str(&text).unwrap();
                if message["type"] != "ping" {
                    return message;
                }
                self.say(json!({ "type": "pong" })).await;
                if message["payload"]["cursor"].as_str().is_some_and(|cursor| cursor >= head) {
                    return Value::Null;
                }
            }
        }
    }

    /// The code that the server closes with.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(close) = self.frame().await {
                return close.map_or(1005, |close| close.code.into());
            }
        }
    }

    async fn frame(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await;
        next.expect("nothing came").expect("the connection ended").unwrap()
    }
}

impl Subscription {
    pub async fn start(address: &str, token: &str, document: &str, variables: Value) -> Self {
        let mut socket = Socket::connect(address, Some(token)).await;
        socket.subscribe("1", document, variables).await;
        Self(socket)
    }

    /// The data of the next item.
    pub async fn next(&mut self) -> Value {
        let message = self.0.hear().await;
        assert_eq!(message["type"], "next", "{message}");
        assert!(message["payload"]["errors"].is_null(), "{message}");
        message["payload"]["data"].clone()
    }

    /// The first error, of the operation or of an item.
    pub async fn error(&mut self) -> Value {
        let message = self.0.hear().await;
        match message["type"].as_str() {
            Some("error") => message["payload"][0].clone(),
            _ => message["payload"]["errors"][0].clone(),
        }
    }

    /// Items up to the first that `last` says yes to, that one included.
    pub async fn until(&mut self, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            let item = self.next().await;
            let done = last(&item);
            items.push(item);
            if done {
                return items;
            }
        }
    }
}
