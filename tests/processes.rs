//! The program itself, killed at bad moments.

use std::{
    collections::HashSet,
    thread::sleep,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Calls, Fault};

use crate::support::{Database, Process, ServedCluster};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text in {value}")).to_owned()
}

pub fn register(process: &Process, name: &str) -> String {
    let reply = process.send(
        None,
        "mutation($email: String!) { register(input: {
            email: $email, password: \"correct horse\", nickname: \"Ada\" }) { accessToken } }",
        &json!({ "email": format!("{name}@example.com") }),
    );
    text(&reply["data"]["register"]["accessToken"])
}

pub fn product(process: &Process) -> String {
    put_on_sale(process, &crate::support::product("web:1"))
}

/// The first administrator's token.
pub fn root(process: &Process) -> String {
    let reply = process.send(
        None,
        "mutation { login(input: { email: \"root@example.com\", password: \"correct horse battery\" }) {
            accessToken } }",
        &json!({}),
    );
    text(&reply["data"]["login"]["accessToken"])
}

/// Offers a product; its id.
pub fn put_on_sale(process: &Process, input: &Value) -> String {
    let root = root(process);
    let reply = process.send(
        Some(&root),
        "mutation($input: CreateProductInput!) { createProduct(input: $input) { product { id } } }",
        &json!({ "input": input }),
    );
    text(&reply["data"]["createProduct"]["product"]["id"])
}

/// Orders; the order's id once that is acknowledged.
fn place(process: &Process, token: &str, product: &str, name: &str) -> String {
    let placed = process.send(
        Some(token),
        "mutation($p: ID!, $n: String!) {
            placeOrder(input: { productId: $p, instanceName: $n }) { order { id } } }",
        &json!({ "p": product, "n": name }),
    );
    assert!(placed["errors"].is_null(), "{placed}");
    text(&placed["data"]["placeOrder"]["order"]["id"])
}

/// Orders and pays; the order's id once the payment is acknowledged.
pub fn buy(process: &Process, token: &str, product: &str, name: &str) -> String {
    let order = place(process, token, product, name);
    let paid = process.send(
        Some(token),
        "mutation($id: ID!) { payOrder(id: $id) { order { status } } }",
        &json!({ "id": order }),
    );
    assert_eq!(paid["data"]["payOrder"]["order"]["status"], "PAID", "{paid}");
    order
}

/// Waits until no order is under way; answers with all statuses by order.
pub fn settled(process: &Process, token: &str) -> Vec<(String, String)> {
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

/// Fifty orders, paid for while the process is killed again and again, on a cluster that stays.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_orders_survive_ten_kills_with_one_deployment_each() {
    let (database, cluster) = (Database::new().await, ServedCluster::new().await);
    let Some(mut process) = Process::start_with(&database, &cluster.settings()) else {
        return;
    };
    let token = register(&process, "ada");
    let product = product(&process);
    let mut acknowledged = HashSet::new();

    for round in 0..10 {
        for place in 0..5 {
            acknowledged.insert(buy(&process, &token, &product, &format!("web-{round}-{place}")));
        }
        sleep(Duration::from_millis(37 * round));
        process.kill();
        process = Process::start_with(&database, &cluster.settings()).unwrap();
    }

    let settled = settled(&process, &token);
    assert!(settled.iter().all(|(_, status)| status == "COMPLETED"), "{settled:?}");
    let ended: HashSet<_> = settled.into_iter().map(|(order, _)| order).collect();
    assert_eq!(ended, acknowledged);
    let mut deployments = cluster.deployments().await;
    deployments.sort();
    let names = (0..10).flat_map(|round| (0..5).map(move |place| format!("web-{round}-{place}")));
    assert_eq!(deployments, names.collect::<Vec<_>>());
}

/// Kills the process right after an answer, with other requests under way.
#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_acknowledged_orders_are_all_there_after_kills_right_after_the_answer() {
    const ROUNDS: usize = 10;
    const CLIENTS: usize = 5;
    const EACH: usize = 10;
    let database = Database::new().await;
    let Some(mut process) = Process::start(&database) else {
        return;
    };
    let token = register(&process, "ada");
    let product = product(&process);
    let mut acknowledged = HashSet::new();

    for round in 0..ROUNDS {
        let answers = std::sync::Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (process, token, product, answers) = (&process, &token, &product, &answers);
                scope.spawn(move || {
                    for n in 0..EACH {
                        let name = format!("web-{round}-{client}-{n}");
                        answers.lock().unwrap().push(place(process, token, product, &name));
                    }
                });
            }
        });
        process.kill();
        acknowledged.extend(answers.into_inner().unwrap());
        process = Process::start(&database).unwrap();
    }

    assert_eq!(acknowledged.len(), ROUNDS * CLIENTS * EACH);
    let found = all_orders(&process, &token);
    assert_eq!(found, acknowledged);
}

/// A worker that is stopped with tasks in its hands comes back when another has done them.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_stopped_for_twice_its_lease_writes_nothing_afterwards() {
    let (database, cluster) = (Database::new().await, ServedCluster::new().await);
    if !database.is_postgres() {
        return;
    }
    let Some(first) = Process::start_with(&database, &cluster.settings()) else {
        return;
    };
    let token = register(&first, "ada");
    let product = product(&first);
    cluster.cluster.faults().fail_matching(Calls::of("patch"), 1, Fault::Silence);
    let order = buy(&first, &token, &product, "web");
    wait_for_a_running_task(&first, &token);

    first.signal("STOP");
    let stopped_at = Timestamp::now();
    let second = Process::start_with(&database, &cluster.settings()).unwrap();
    assert_eq!(settled(&second, &token), [(order, "COMPLETED".to_owned())]);
    let done = history(&second, &token);
    assert!(taken_over_at(&done).duration_since(stopped_at) <= SignedDuration::from_secs(5 + 5));
    first.signal("CONT");
    sleep(Duration::from_secs(10));

    assert_eq!(history(&second, &token), done);
    assert_eq!(cluster.deployments().await, ["web"]);
}

fn wait_for_a_running_task(process: &Process, token: &str) {
    let patience = Instant::now() + Duration::from_secs(30);
    let document = "{ tasks(filter: { status: [RUNNING] }) { totalCount } }";
    while process.send(Some(token), document, &json!({}))["data"]["tasks"]["totalCount"] == 0 {
        assert!(Instant::now() < patience, "no task runs");
        sleep(Duration::from_millis(20));
    }
}

/// Everything that was ever noted about tasks.
fn history(process: &Process, token: &str) -> Value {
    let document =
        "{ tasks { nodes { name status updatedAt attempts { number status startedAt } } } }";
    process.send(Some(token), document, &json!({}))
}

/// When the task that somebody else had begun was begun again.
fn taken_over_at(history: &Value) -> Timestamp {
    let tasks = history["data"]["tasks"]["nodes"].as_array().unwrap();
    let mut seconds = tasks.iter().map(|task| &task["attempts"][1]["startedAt"]);
    text(seconds.find(|second| !second.is_null()).unwrap()).parse().unwrap()
}

fn all_orders(process: &Process, token: &str) -> HashSet<String> {
    let document = "query($after: String) { orders(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { id } } }";
    let (mut found, mut after) = (HashSet::new(), Value::Null);
    loop {
        let reply = process.send(Some(token), document, &json!({ "after": after }));
        let page = &reply["data"]["orders"];
        found.extend(page["nodes"].as_array().unwrap().iter().map(|node| text(&node["id"])));
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
