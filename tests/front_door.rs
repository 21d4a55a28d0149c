//! What stands before the graph: connections, headers, compression, origins.

use std::time::Duration;

use api::{config::Door, http::Limits};
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{NOWHERE, Socket, TestApp, door, exchange, http_get, request};

const PATIENCE: Duration = Duration::from_secs(30);

async fn answer(app: &TestApp, door: Door, request: Request<Body>) -> (StatusCode, HeaderMap) {
    let server = app.with_door(door).await;
    let response = server.routes.answer(NOWHERE, request).await;
    (response.status(), response.headers().clone())
}

/// Whether the server ends the connection.
async fn ends(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    read.expect("the connection lives on").is_ok() && rest.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_in_time_ends_the_connection() {
    let app = TestApp::new().await;
    let limits = Limits { header_time: Duration::from_millis(200), ..Limits::default() };
    let (address, _) = app.served(door(limits)).await;
    let connect = async |sent: &str| {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    };

    let silent = connect("").await;
    let slow = connect("POST /graphql HTTP/1.1\r\nhost: sl").await;
    let idle = exchange(&address, "GET /livez HTTP/1.1\r\nhost: slipway\r\n\r\n").await;

    assert!(ends(silent).await && ends(slow).await);
    assert!(idle.starts_with("HTTP/1.1 200"), "answered, then ended: {idle}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_big_is_answered_with_431() {
    let app = TestApp::new().await;
    let limits = Limits { header_bytes: 8 * 1024, ..Limits::default() };
    let (address, _) = app.served(door(limits)).await;
    let with = |bytes: usize| {
        format!("GET /livez HTTP/1.0\r\nhost: slipway\r\nx-big: {}\r\n\r\n", "x".repeat(bytes))
    };

    assert!(exchange(&address, &with(8_000)).await.starts_with("HTTP/1.0 200"));
    assert!(exchange(&address, &with(9_000)).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET /livez HTTP/1.0\r\n{}\r\n", "a: b\r\n".repeat(200));
    assert!(exchange(&address, &many).await.starts_with("HTTP/1.1 431"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_in_time_gets_408() {
    let app = TestApp::new().await;
    let limits = Limits { body_time: Duration::from_millis(200), ..Limits::default() };
    let (address, _) = app.served(door(limits)).await;
    let whole = request(None, "connection: close\r\n", "{ __typename }");

    let late = exchange(&address, &whole[..whole.len() - 2]).await;

    assert!(late.starts_with("HTTP/1.1 408"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_limited_by_address_sockets_among_them() {
    let app = TestApp::new().await;
    let limits = Limits { connections_per_address: 3, ..Limits::default() };
    let (address, _) = app.served(door(limits)).await;
    let socket = Socket::connect(&address, None).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: slipway\r\n\r\n").await.unwrap();
        stream.read_u8().await.unwrap();
        held.push(stream);
    }

    let refused = TcpStream::connect(&address).await.unwrap();
    assert!(ends(refused).await);
    drop(socket);

    // Its place is free as soon as the server has seen it go.
    while !exchange(&address, "GET /livez HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_are_compressed_for_who_takes_that_and_events_never() {
    let app = TestApp::new().await;
    let encoding = async |request: axum::http::request::Builder, body: &str| {
        let request = request
            .header("accept-encoding", "gzip, br")
            .header("content-type", "application/json")
            .body(Body::from(body.to_owned()));
        let (_, headers) = answer(&app, Door::default(), request.unwrap()).await;
        headers.get("content-encoding").map(|value| value.to_str().unwrap().to_owned())
    };
    let introspection = json!({ "query": "{ __schema { types { name } } }" }).to_string();
    let small = json!({ "query": "{ __typename }" }).to_string();
    let events = Request::post("/graphql").header("accept", "text/event-stream");

    assert!(encoding(Request::get("/schema.graphql"), "").await.is_some());
    assert!(encoding(Request::post("/graphql"), &introspection).await.is_some());
    assert_eq!(encoding(Request::post("/graphql"), &small).await, None);
    assert_eq!(encoding(events, &introspection).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_origins_use_the_api_only_where_they_are_listed() {
    let app = TestApp::new().await;
    let open = || Door {
        allowed_origins: vec!["https://console.example.com".to_owned()],
        ..Door::default()
    };
    let preflight = |origin: &str| {
        Request::options("/graphql")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,authorization")
            .body(Body::empty())
            .unwrap()
    };
    let allowed = |headers: &HeaderMap| {
        let origin = headers.get("access-control-allow-origin");
        origin.map(|origin| origin.to_str().unwrap().to_owned())
    };

    let (status, headers) =
        answer(&app, Door::default(), preflight("https://console.example.com")).await;
    assert_eq!((status.as_u16(), allowed(&headers)), (405, None));
    let (status, headers) = answer(&app, open(), preflight("https://console.example.com")).await;
    assert_eq!(status, 200);
    assert_eq!(allowed(&headers).as_deref(), Some("https://console.example.com"));
    let (_, headers) = answer(&app, open(), preflight("https://evil.example.com")).await;
    assert_eq!(allowed(&headers), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_be_careful() {
    let app = TestApp::new().await;

    for path in ["/livez", "/schema.graphql", "/nothing", "/graphql?query=%7B__typename%7D"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (_, headers) = answer(&app, Door::default(), request).await;

        let value = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(value("x-frame-options"), "DENY");
        assert_eq!(value("cache-control"), "no-store");
        assert_eq!(value("referrer-policy"), "no-referrer");
        assert_eq!(value("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_has_its_limits() {
    let app = TestApp::new().await;
    let limits = Limits { init_time: Duration::from_millis(200), ..Limits::default() };
    let (address, _) = app.served(door(limits)).await;

    let mut silent = Socket::open(&address).await;
    assert_eq!(silent.close_code().await, 4408);

    let mut loud = Socket::connect(&address, None).await;
    loud.say(json!({ "type": "ping", "payload": { "x": "x".repeat(70_000) } })).await;
    assert_eq!(loud.close_code().await, 1009);

    let ada = app.user("ada").await;
    let mut busy = Socket::connect(&address, ada.token.as_deref()).await;
    for id in 0..20 {
        busy.subscribe(&id.to_string(), "subscription { events { type } }", json!({})).await;
    }
    busy.subscribe("21", "{ __typename }", json!({})).await;
    let refused = busy.hear().await;
    assert_eq!((&refused["id"], &refused["type"]), (&json!("21"), &json!("error")));
    assert_eq!(refused["payload"][0]["extensions"]["code"], "TOO_COMPLEX");
    busy.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(busy.close_code().await, 4409);

    let (status, _) = http_get(&address, "/livez").await;
    assert_eq!(status, 200);
}
