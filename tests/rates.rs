//! What operations cost, and what each caller may use up.

use std::net::IpAddr;

use api::{config::Door, http::Limits};
use serde_json::json;

use crate::support::{Client, Reply, Socket, TestApp, door, exchange, request};

/// Enough for so much, with nothing to come back while a test runs.
fn budget(budget: usize) -> Limits {
    Limits { budget, budget_per_second: 1, ..Limits::default() }
}

fn cost(reply: &Reply) -> (u64, u64) {
    let cost = &reply.extensions["cost"];
    (cost["requested"].as_u64().unwrap(), cost["actual"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_what_it_was_taken_to_cost_and_cost() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    root.create_product("web:1").await;
    root.create_product("web:2").await;
    let nobody = app.anonymous();

    let page = "{ products(first: 50) { nodes { id spec { image } } totalCount } }";
    let page = nobody.send(page, json!({})).await;
    let nothing = nobody.send("{ __typename }", json!({})).await;

    assert_eq!(cost(&page), (10 + 1 + 50 * 2, 10 + 1 + 2 * 2));
    assert_eq!(cost(&nothing), (10, 10));
    assert_eq!(page.extensions["cost"]["limit"], 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_cost_too_much_is_not_run() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let page = "orders(first: 100) { nodes { instance { workflows(first: 100) { nodes {
        tasks { attempts { number } } } } } } }";

    let refused = ada.send(&format!("{{ {page} }}"), json!({})).await;

    assert_eq!((refused.status.as_u16(), refused.code()), (400, "TOO_COMPLEX"));
    assert_eq!(refused.extension("limit"), "cost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_refuses_before_anything_runs() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let server = app.with_door(door(budget(40))).await;
    let spender = Client::new(server.routes.clone(), ada.token.as_deref());
    let other = Client::new(server.routes.clone(), root.token.as_deref());

    spender.place_order(&product, "one").await.ok();
    let refused = spender.place_order(&product, "two").await;

    assert_eq!((refused.status.as_u16(), refused.code()), (429, "RATE_LIMITED"));
    assert!(refused.extension("retryAfter").as_u64() > Some(0));
    let orders = ada.send("{ orders { totalCount } }", json!({})).await.ok();
    assert_eq!(orders["orders"]["totalCount"], 1);
    other.place_order(&product, "three").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_alias_and_each_operation_of_a_socket_counts() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let aliased = "{ a: viewer { id } b: viewer { id } c: viewer { id } }";

    let whole = ada.send(aliased, json!({})).await;
    assert_eq!(cost(&whole), (13, 13));

    let (address, _) = app.served(door(budget(35))).await;
    let mut socket = Socket::connect(&address, ada.token.as_deref()).await;
    for id in ["1", "2"] {
        socket.subscribe(id, aliased, json!({})).await;
        assert_eq!(socket.hear().await["type"], "next");
        assert_eq!(socket.hear().await["type"], "complete");
    }
    socket.subscribe("3", aliased, json!({})).await;
    let refused = socket.hear().await;

    assert_eq!(refused["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_no_token_is_told_apart_by_address() {
    let app = TestApp::new().await;
    let ask = async |address: &str, client: &str| {
        let headers = format!("connection: close\r\nx-forwarded-for: {client}\r\n");
        let answer = exchange(address, &request(None, &headers, "{ __typename }")).await;
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let this_machine: IpAddr = "127.0.0.1".parse().unwrap();
    let proxied = Door { trusted_proxies: vec![this_machine.into()], ..door(budget(15)) };

    let (direct, _) = app.served(door(budget(15))).await;
    assert_eq!(ask(&direct, "192.0.2.1").await, 200);
    assert_eq!(ask(&direct, "192.0.2.2").await, 429, "nobody is believed");

    let (proxied, _) = app.served(proxied).await;
    assert_eq!(ask(&proxied, "192.0.2.1").await, 200);
    assert_eq!(ask(&proxied, "192.0.2.2").await, 200);
    assert_eq!(ask(&proxied, "203.0.113.7, 192.0.2.2").await, 429, "only the last is believed");
}
