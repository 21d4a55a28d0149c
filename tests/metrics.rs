//! What `/metrics` shows, and to whom.

use std::{collections::BTreeSet, fs};

use api::{config::Door, http::Routes};
use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::json;

use crate::support::{NOWHERE, Socket, TestApp, http_get};

async fn scrape(address: &str) -> String {
    let (status, text) = http_get(address, "/metrics").await;
    assert_eq!(status, 200, "{text}");
    text
}

/// The value of the sample that begins so.
#[track_caller]
fn value(text: &str, sample: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_counted_by_what_came_of_them() {
    let mut app = TestApp::new().await;
    let ada = app.user("ada").await;
    let nobody = app.anonymous();
    nobody.send("{ viewer { id } }", json!({})).await;
    nobody.send("query Secret { products { nodes { id } } }", json!({})).await.ok();
    nobody.send("{ nonsense", json!({})).await;
    ada.send("mutation { deleteInstance(id: \"nonsense\") { cursor } }", json!({})).await;
    let address = app.live().await;

    let text = scrape(&address).await;

    let count = |kind: &str, outcome: &str| {
        let labels = format!("transport=\"http\",type=\"{kind}\",outcome=\"{outcome}\"");
        value(&text, &format!("slipway_operations_total{{{labels}}}"))
    };
    assert_eq!(count("query", "OK"), 1.0);
    assert_eq!(count("query", "UNAUTHENTICATED"), 1.0);
    assert_eq!(count("mutation", "OK"), 1.0, "the registration");
    assert_eq!(count("mutation", "INVALID"), 1.0);
    assert_eq!(count("unknown", "GRAPHQL_PARSE_FAILED"), 1.0);
    assert_eq!(value(&text, "slipway_operation_duration_seconds_count{type=\"query\"}"), 2.0);
    assert!(!text.contains("Secret"), "what a client chose is no label");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_is_shown_while_it_is_open() {
    let mut app = TestApp::new().await;
    let ada = app.user("ada").await;
    let address = app.live().await;
    let mut socket = Socket::connect(&address, ada.token.as_deref()).await;
    socket.subscribe("1", "subscription { events { type } }", json!({})).await;
    socket.subscribe("2", "{ __typename }", json!({})).await;
    socket.hear().await;

    let open = scrape(&address).await;
    drop(socket);
    let mut closed = scrape(&address).await;
    while value(&closed, "slipway_websockets") > 0.0 {
        closed = scrape(&address).await;
    }

    assert_eq!(value(&open, "slipway_websockets"), 1.0);
    assert_eq!(value(&open, "slipway_subscriptions{transport=\"websocket\"}"), 1.0);
    assert_eq!(value(&closed, "slipway_subscriptions{transport=\"websocket\"}"), 0.0);
    let ended = "transport=\"websocket\",type=\"subscription\",outcome=\"OK\"";
    assert_eq!(value(&closed, &format!("slipway_operations_total{{{ended}}}")), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_store_tasks_and_clusters_is_shown() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    ada.buy(&product, "web").await;
    let queue = app.control_plane.task_queue().await.unwrap();
    assert_eq!((queue.due, queue.leased, queue.waiting), (1, 0, 0));
    app.advance(std::time::Duration::from_secs(3));
    assert_eq!(app.control_plane.task_queue().await.unwrap().longest_due.as_secs(), 3);
    app.run_tasks().await;
    let address = app.live().await;

    let mut text = scrape(&address).await;
    while value(&text, "slipway_target_connected{target=\"simulated\"}") < 1.0 {
        text = scrape(&address).await;
    }

    let pool = if app.database.is_postgres() { "all" } else { "writer" };
    let of_pool = |name: &str| value(&text, &format!("slipway_store_{name}{{pool=\"{pool}\"}}"));
    assert!(of_pool("given_total") > 3.0);
    assert!(of_pool("connections_most") >= 1.0);
    assert_eq!(value(&text, "slipway_store_up"), 1.0);
    assert!(value(&text, "slipway_event_head") > 5.0);
    assert_eq!(value(&text, "slipway_tasks{state=\"due\"}"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_exactly_what_is_shown() {
    let mut app = TestApp::new().await;
    let address = app.live().await;

    let text = scrape(&address).await;

    let mut shown: BTreeSet<String> = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        shown.insert(if kind == "counter" { format!("{name}_total") } else { name.to_owned() });
    }
    let page = fs::read_to_string("../docs/metrics.md").unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `slipway_"));
    let listed = rows.map(|row| format!("slipway_{}", row.split_once('`').unwrap().0)).collect();
    assert_eq!(shown, listed);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_this_machine_or_for_who_has_the_token() {
    let app = TestApp::new().await;
    let door = Door { metrics_token: Some("a token".to_owned()), ..Door::default() };
    let guarded = app.with_door(door).await;
    let status = async |routes: &Routes, token: Option<&str>| {
        let mut request = Request::get("/metrics");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = routes.answer(NOWHERE, request.body(Body::empty()).unwrap()).await;
        let status = response.status().as_u16();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        (status, text.starts_with(b"# HELP slipway_"))
    };

    assert_eq!(status(&app.routes, None).await, (403, false), "nobody knows from where");
    assert_eq!(status(&guarded.routes, None).await, (401, false));
    assert_eq!(status(&guarded.routes, Some("another")).await, (401, false));
    assert_eq!(status(&guarded.routes, Some("a token")).await, (200, true));
}
