//! Clients that hang up in the middle.

use std::{collections::HashSet, time::Duration};

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet, time::sleep};

use crate::support::{TestApp, door, request};

const CLIENTS: u64 = 1_000;
const AT_ONCE: u64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_that_hang_up_leave_each_mutation_whole_or_not_begun() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (address, stop) = app.served(door(Default::default())).await;
    let order = |number: u64| {
        let document = format!(
            "mutation {{ placeOrder(input: {{ productId: \"{product}\", instanceName: \"web-{number}\" }}) {{
                order {{ id }} }} }}"
        );
        request(ada.token.as_deref(), "", &document)
    };

    for round in 0..CLIENTS / AT_ONCE {
        let mut clients = JoinSet::new();
        for client in 0..AT_ONCE {
            let (text, address) = (order(round * AT_ONCE + client), address.clone());
            clients.spawn(async move {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                stream.write_all(text.as_bytes()).await.unwrap();
                // Somewhere between the first byte and the answer.
                sleep(Duration::from_micros(client * 400)).await;
            });
        }
        clients.join_all().await;
    }
    stop.cancel();
    let mut uses = app.control_plane.store_pools();
    while uses.iter().any(|pool| pool.in_use + pool.waiting > 0) {
        sleep(Duration::from_millis(10)).await;
        uses = app.control_plane.store_pools();
    }

    // Waits for its turn behind all of them.
    ada.place_order(&product, "last").await.ok();
    let (mut orders, mut after) = (HashSet::new(), json!(null));
    loop {
        let document = "query($after: String) { orders(first: 100, after: $after) {
            nodes { id status } pageInfo { hasNextPage endCursor } } }";
        let page = ada.send(document, json!({ "after": after })).await.ok()["orders"].clone();
        for node in page["nodes"].as_array().unwrap() {
            assert_eq!(node["status"], "PENDING");
            orders.insert(node["id"].as_str().unwrap().to_owned());
        }
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let (mut told, mut after) = (HashSet::new(), json!(null));
    loop {
        let document = "query($after: Cursor) { events(first: 100, after: $after,
            filter: { types: [\"ORDER_PLACED\"] }) {
            nodes { subject { id } } pageInfo { hasNextPage endCursor } } }";
        let page = ada.send(document, json!({ "after": after })).await.ok()["events"].clone();
        let nodes = page["nodes"].as_array().unwrap();
        told.extend(nodes.iter().map(|node| node["subject"]["id"].as_str().unwrap().to_owned()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    println!("{} of {CLIENTS} mutations were done", orders.len() - 1);
    assert_eq!(orders, told);
    assert!(app.control_plane.store_pools().iter().all(|pool| pool.missed == 0));
}
