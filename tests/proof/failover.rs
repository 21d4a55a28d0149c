//! Two processes under load, one of which is killed again and again: only what was under way on
//! the dead one may fail, and what is repeated under its key has one effect.

use std::{
    collections::HashSet,
    env,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    extent,
    fleet::{Fleet, Unanswered},
};
use crate::support::Database;

const CLIENTS: usize = 6;
const PAUSE: Duration = Duration::from_millis(10);

/// What a client has met.
#[derive(Default)]
struct Met {
    token: String,
    /// Orders that were acknowledged.
    placed: u64,
    waits: Vec<Duration>,
    /// Requests that were sent and not answered.
    unanswered: Vec<Unanswered>,
    /// Answers that were errors.
    refused: Vec<Value>,
}

#[tokio::test(flavor = "multi_thread")]
async fn only_requests_under_way_on_a_killed_process_fail() {
    judge(Duration::from_secs(12), Duration::from_secs(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is what `cargo xtask failover` runs"]
async fn long() {
    judge(Duration::from_secs(extent("SECONDS", 300)), Duration::from_secs(10)).await;
}

async fn judge(time: Duration, between_kills: Duration) {
    let database = Database::new().await;
    if !database.is_postgres() {
        return;
    }
    let redis = env::var("SLIPWAY_TEST_REDIS").ok();
    let bus = redis.as_deref().map(|url| ("SLIPWAY_REDIS_URL", url));
    let bus: Vec<_> = bus.into_iter().collect();
    let Some(fleet) = Fleet::start(database, &bus, 2) else { return };
    let product = fleet.product();
    let client = |n| Met { token: fleet.account(&format!("client-{n}")), ..Met::default() };
    let mut clients: Vec<Met> = (0..CLIENTS).map(client).collect();
    let (stop, mut killed) = (AtomicBool::new(false), HashSet::new());

    thread::scope(|scope| {
        for client in &mut clients {
            let (fleet, product, stop) = (&fleet, &product, &stop);
            scope.spawn(move || client.work(fleet, product, stop));
        }
        let end = Instant::now() + time;
        while Instant::now() + between_kills <= end {
            sleep(between_kills);
            let seat = killed.len() % fleet.seats();
            killed.insert(fleet.kill(seat));
            fleet.start_again(seat);
        }
        sleep(end.saturating_duration_since(Instant::now()));
        stop.store(true, SeqCst);
    });

    report(&clients, killed.len());
    for client in &clients {
        assert_eq!(client.refused, Vec::<Value>::new(), "an answer was an error");
        for Unanswered { life, error } in &client.unanswered {
            assert!(killed.contains(life), "one that lived did not answer: {error}");
        }
        let count = fleet.ask(&client.token, "{ orders { totalCount } }", &json!({}));
        assert_eq!(count["orders"]["totalCount"], client.placed, "orders placed and there");
    }
}

impl Met {
    fn work(&mut self, fleet: &Fleet, product: &str, stop: &AtomicBool) {
        let read = "{ cursor products { totalCount } orders(first: 5) { nodes { id status } } }";
        let place = "mutation($key: String!, $product: ID!) { placeOrder(idempotencyKey: $key,
            input: { productId: $product, instanceName: \"web\" }) { order { id } } }";
        while !stop.load(SeqCst) {
            self.send(fleet, read, &json!({}));
            let key = format!("order-{}", self.placed);
            let order = json!({ "key": key, "product": product });
            // Until it is acknowledged, as a client with a key may.
            while !self.send(fleet, place, &order) {}
            self.placed += 1;
            sleep(PAUSE);
        }
    }

    /// Whether it was answered.
    fn send(&mut self, fleet: &Fleet, document: &str, variables: &Value) -> bool {
        let asked_at = Instant::now();
        match fleet.send(&self.token, document, variables) {
            Ok(reply) => {
                self.waits.push(asked_at.elapsed());
                if !reply["errors"].is_null() {
                    self.refused.push(reply);
                }
                true
            }
            Err(unanswered) => {
                self.unanswered.push(unanswered);
                false
            }
        }
    }
}

fn report(clients: &[Met], kills: usize) {
    let mut waits: Vec<_> = clients.iter().flat_map(|client| client.waits.clone()).collect();
    waits.sort();
    let unanswered: usize = clients.iter().map(|client| client.unanswered.len()).sum();
    let placed: u64 = clients.iter().map(|client| client.placed).sum();
    let (median, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    println!(
        "{kills} kills; {} requests answered, {placed} of them orders; {unanswered} under way on \
         the killed, no other failed; median {median:.1?}, p99 {p99:.1?}, longest {:.1?}",
        waits.len(),
        waits.last().copied().unwrap_or_default(),
    );
}
