//! The program itself, killed at bad moments.

use std::{
    collections::HashSet,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Database, Process};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
}

fn register(process: &Process, name: &str) -> String {
    let reply = process.send(
        None,
        "mutation($email: String!) { register(input: {
            email: $email, password: \"correct horse\", nickname: \"Ada\" }) { accessToken } }",
        &json!({ "email": format!("{name}@example.com") }),
    );
    text(&reply["data"]["register"]["accessToken"])
}

fn product(process: &Process) -> String {
    let reply = process.send(
        None,
        "mutation { login(input: { email: \"root@example.com\", password: \"correct horse battery\" }) {
            accessToken } }",
        &json!({}),
    );
    let root = text(&reply["data"]["login"]["accessToken"]);
    let input = crate::support::product("web:1");
    let reply = process.send(
        Some(&root),
        "mutation($input: CreateProductInput!) { createProduct(input: $input) { product { id } } }",
        &json!({ "input": input }),
    );
    text(&reply["data"]["createProduct"]["product"]["id"])
}

/// Orders and pays; the order's id once the payment is acknowledged.
fn buy(process: &Process, token: &str, product: &str, name: &str) -> String {
    let placed = process.send(
        Some(token),
        "mutation($p: ID!, $n: String!) {
            placeOrder(input: { productId: $p, instanceName: $n }) { order { id } } }",
        &json!({ "p": product, "n": name }),
    );
    let order = text(&placed["data"]["placeOrder"]["order"]["id"]);
    let paid = process.send(
        Some(token),
        "mutation($id: ID!) { payOrder(id: $id) { order { status } } }",
        &json!({ "id": order }),
    );
    assert_eq!(paid["data"]["payOrder"]["order"]["status"], "PAID", "{paid}");
    order
}

/// Waits until no order is under way; answers with all statuses by order.
fn settled(process: &Process, token: &str) -> Vec<(String, String)> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let reply = process.send(
            Some(token),
            "{ orders(first: 100) { nodes { id status instance { pods { ready } } } } }",
            &json!({}),
        );
        let nodes = reply["data"]["orders"]["nodes"].as_array().unwrap().clone();
        let ready = |node: &Value| node["instance"]["pods"][0]["ready"] == true;
        if nodes.iter().all(|node| node["status"] != "PAID" && ready(node)) {
            return nodes.iter().map(|node| (text(&node["id"]), text(&node["status"]))).collect();
        }
        assert!(Instant::now() < patience, "orders are stuck: {reply}");
        sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_acknowledged_is_carried_out_after_kill_9() {
    let database = Database::new().await;
    let Some(process) = Process::start(&database) else {
        return;
    };
    let token = register(&process, "ada");
    let order = buy(&process, &token, &product(&process), "web");

    process.kill();
    let process = Process::start(&database).unwrap();

    assert_eq!(settled(&process, &token), [(order, "COMPLETED".to_owned())]);
    let reply = process.send(
        Some(&token),
        "{ instances { nodes { status pods { ready } workflows { totalCount } } } }",
        &json!({}),
    );
    let instances = reply["data"]["instances"]["nodes"].as_array().unwrap();
    assert_eq!(instances.len(), 1);
    assert_eq!(instances[0]["pods"].as_array().unwrap().len(), 1, "one Deployment, one pod");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_order_is_lost_over_many_kills() {
    let database = Database::new().await;
    let Some(mut process) = Process::start(&database) else {
        return;
    };
    let token = register(&process, "ada");
    let product = product(&process);
    let mut acknowledged = HashSet::new();

    for round in 0..5 {
        for place in 0..4 {
            acknowledged.insert(buy(&process, &token, &product, &format!("web-{round}-{place}")));
        }
        sleep(Duration::from_millis(37 * round));
        process.kill();
        process = Process::start(&database).unwrap();
    }

    let settled = settled(&process, &token);
    assert!(settled.iter().all(|(_, status)| status == "COMPLETED"), "{settled:?}");
    let ended: HashSet<_> = settled.into_iter().map(|(order, _)| order).collect();
    assert_eq!(ended, acknowledged);
}
