//! Readers that stop reading: what they cost, how soon they are gone, and how they go on.

use std::time::{Duration, Instant};

use api::http::Limits;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Client, Socket, TestApp, door, http_get};

const CHANGES: usize = 60;
/// What the system and the server may hold for one reader.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// Each event is as big as a document may make it.
fn document() -> String {
    let copies: String = (0..28).map(|copy| format!("x{copy}: data ")).collect();
    format!(
        "subscription($after: Cursor) {{ events(after: $after, filter: {{ types: [\"PRODUCT_UPDATED\"] }}) {{ cursor {copies} }} }}"
    )
}

/// Events of more than 3 MiB in all; answers with the cursor before them.
async fn much_to_read(app: &TestApp, root: &Client) -> String {
    let product = root.create_product("web:1").await;
    let before = root.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    for round in 0..CHANGES {
        let input = json!({ "description": format!("{round} {}", "x".repeat(1_900)) });
        root.send(
            "mutation($id: ID!, $input: UpdateProductInput!) {
                updateProduct(id: $id, input: $input) { cursor } }",
            json!({ "id": product, "input": input }),
        )
        .await
        .ok();
    }
    assert!(app.control_plane.cursor().await.is_ok());
    before.as_str().unwrap().to_owned()
}

async fn shown(address: &str, metric: &str) -> i64 {
    let (_, text) = http_get(address, "/metrics").await;
    let line = text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
    line.unwrap().parse().unwrap()
}

fn limits() -> Limits {
    Limits { stall_time: Duration::from_millis(500), ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_that_nobody_reads_ends_and_is_resumed() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let before = much_to_read(&app, &root).await;
    let (address, _) = app.served(door(limits())).await;
    let follow = async |after: &str| {
        let body = json!({ "query": document() }).to_string();
        let (token, length) = (root.token.as_deref().unwrap(), body.len());
        let head = format!(
            "POST /graphql HTTP/1.1\r\nhost: slipway\r\ncontent-type: application/json\r\n\
             accept: text/event-stream\r\nauthorization: Bearer {token}\r\n\
             last-event-id: {after}\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        stream
    };

    let mut stalled = follow(&before).await;
    let started = Instant::now();
    while shown(&address, "slipway_event_streams").await == 0 {}
    while shown(&address, "slipway_connections").await > 1 {}
    println!("a stalled stream of events was gone after {:?}", started.elapsed());

    let mut text = Vec::new();
    let _ = stalled.read_to_end(&mut text).await;
    assert!(text.len() < MOST_BYTES, "{} bytes were waiting", text.len());
    let text = String::from_utf8_lossy(&text).into_owned();
    let whole = text.split("\n\n").filter(|event| event.ends_with("}"));
    let ids = |text: &str| -> Vec<String> {
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(str::to_owned).collect()
    };
    let mut seen: Vec<String> = whole.flat_map(ids).collect();
    assert!(seen.len() < CHANGES, "all of it was taken");
    seen.truncate(seen.len().saturating_sub(1));

    let mut again = follow(seen.last().unwrap_or(&before)).await;
    let mut rest = Vec::new();
    while ids(&String::from_utf8_lossy(&rest)).len() + seen.len() < CHANGES {
        assert!(again.read_buf(&mut rest).await.unwrap() > 0, "the stream ended");
    }
    seen.extend(ids(&String::from_utf8_lossy(&rest)));
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(seen, sorted, "each item once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_nobody_reads_ends() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let before = much_to_read(&app, &root).await;
    let (address, _) = app.served(door(limits())).await;
    let mut socket = Socket::connect(&address, root.token.as_deref()).await;

    let started = Instant::now();
    socket.subscribe("1", &document(), json!({ "after": before })).await;
    while shown(&address, "slipway_websockets").await > 0 {}
    while shown(&address, "slipway_connections").await > 1 {}
    println!("a stalled socket was gone after {:?}", started.elapsed());

    let mut taken = 0;
    while let Some(message) = socket.try_hear().await {
        taken += message["payload"].to_string().len();
    }
    assert!(taken < MOST_BYTES, "{taken} bytes were waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_reads_ends_its_connection() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    much_to_read(&app, &root).await;
    let (address, _) = app.served(door(limits())).await;
    let copies: String = (0..28).map(|copy| format!("x{copy}: data ")).collect();
    let query = format!("{{ events(first: 100) {{ nodes {{ {copies} }} }} }}");
    let text = crate::support::request(root.token.as_deref(), "", &query);

    let mut stalled = TcpStream::connect(&address).await.unwrap();
    stalled.write_all(text.as_bytes()).await.unwrap();
    while shown(&address, "slipway_operation_duration_seconds_count{type=\"query\"}").await == 0 {}
    while shown(&address, "slipway_connections").await > 1 {}

    let mut taken = Vec::new();
    let _ = stalled.read_to_end(&mut taken).await;
    assert!(taken.len() < MOST_BYTES, "{} bytes were waiting", taken.len());
    let body = String::from_utf8_lossy(&taken);
    assert!(serde_json::from_str::<Value>(body.split("\r\n\r\n").nth(1).unwrap()).is_err());
}
