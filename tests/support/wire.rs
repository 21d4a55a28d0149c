use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One request over a connection of its own, byte by byte as given; all that comes back.
pub async fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut has said what it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status and the body of what stands under a path.
pub async fn http_get(address: &str, path: &str) -> (u16, String) {
    try_http_get(address, path).await.unwrap()
}

/// The same; `None` where the connection is cut before all of the head has come.
pub async fn try_http_get(address: &str, path: &str) -> Option<(u16, String)> {
    let answer = exchange(address, &format!("GET {path} HTTP/1.0\r\nhost: slipway\r\n\r\n")).await;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A request for one operation, as it goes over the wire; `headers` end in line breaks.
pub fn request(token: Option<&str>, headers: &str, document: &str) -> String {
    let body = json!({ "query": document }).to_string();
    let token = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: slipway\r\ncontent-type: application/json\r\n\
         {token}{headers}content-length: {length}\r\n\r\n{body}"
    )
}
