//! Subscribers who are cut off and come back, to either of two processes, while writers commit in
//! any order, roll back, and Redis goes and comes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use domain::{
    events::{Author, Bus, Cursor, Event, EventFilter, EventType, NewEvent, Subject},
    ids::TenantId,
    store::Store,
};
use futures::future::join_all;
use persistence::{RedisBus, SqlStore};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{fleet::Fleet, redis::Redis};
use crate::support::{Database, Process, Socket};

const WRITERS: u64 = 8;
const SUBSCRIBERS: u64 = 50;
const REDIS_RESTARTS: usize = 10;
/// Of a transaction, in milliseconds.
const LONGEST_COMMIT: u64 = 300;
/// A connection lasts for so many events at most.
const MOST_EVENTS: usize = 60;
const EVENTS: &str = "subscription($after: Cursor) { events(after: $after) { cursor data } }";

#[tokio::test(flavor = "multi_thread")]
async fn fifty_subscribers_on_two_processes_miss_and_repeat_nothing() {
    let database = Database::new().await;
    if !database.is_postgres() {
        return;
    }
    let Some(mut redis) = Redis::start() else { return };
    let url = redis.url();
    let Some(fleet) = Fleet::start(database.shared(), &[("SLIPWAY_REDIS_URL", &url)], 2) else {
        return;
    };
    let token = fleet.account("ada");
    let begun = fleet.ask(&token, "{ cursor viewer { tenants { tenant { id } } } }", &json!({}));
    let tenant: TenantId =
        begun["viewer"]["tenants"][0]["tenant"]["id"].as_str().unwrap().parse().unwrap();
    let start = begun["cursor"].clone();
    let store = Arc::new(SqlStore::open(&database.url, None).await.unwrap());
    let bus = Arc::new(RedisBus::new(&url).unwrap());
    let stop = Arc::new(AtomicBool::new(false));

    let subscribers = (0..SUBSCRIBERS)
        .map(|n| tokio::spawn(follow(fleet.addresses(), token.clone(), start.clone(), n)));
    let subscribers: Vec<_> = subscribers.collect();
    let writer = |n| write(store.clone(), bus.clone(), tenant, stop.clone(), n);
    let writers: Vec<_> = (0..WRITERS).map(|n| tokio::spawn(writer(n))).collect();
    for _ in 0..REDIS_RESTARTS {
        sleep(Duration::from_millis(500)).await;
        redis = tokio::task::spawn_blocking(move || {
            redis.restart();
            redis
        })
        .await
        .unwrap();
    }
    stop.store(true, SeqCst);
    join_all(writers).await.into_iter().for_each(Result::unwrap);
    append(&store, tenant, 1, true).await.commit().await.unwrap();
    let seen = join_all(subscribers).await;

    let told = told(&store, tenant, &start).await;
    println!("{} events, each seen by {SUBSCRIBERS} subscribers", told.len());
    for seen in seen {
        assert_eq!(seen.unwrap(), told);
    }
    let forgetful = [("SLIPWAY_EVENT_RETENTION", "1s")];
    let _forgetful = Process::start_with(&database, &forgetful).unwrap();
    let expired = expiry(&fleet, &token, &start).await;
    assert_eq!(expired["extensions"]["code"], "CURSOR_EXPIRED", "{expired}");
}

/// Appends in transactions that take their time, a fourth of which come to nothing, and wakes the
/// processes by Redis.
async fn write(
    store: Arc<SqlStore>,
    bus: Arc<RedisBus>,
    tenant: TenantId,
    stop: Arc<AtomicBool>,
    seed: u64,
) {
    let mut random = fastrand::Rng::with_seed(seed);
    while !stop.load(SeqCst) {
        let tx = append(&store, tenant, random.usize(1..4), false).await;
        sleep(Duration::from_millis(random.u64(0..LONGEST_COMMIT))).await;
        match random.u32(0..4) {
            0 => tx.roll_back().await,
            _ => {
                tx.commit().await.unwrap();
                bus.wake().await;
            }
        }
    }
}

async fn append(
    store: &SqlStore,
    tenant: TenantId,
    events: usize,
    last: bool,
) -> Box<dyn domain::store::Transaction> {
    let mut tx = store.write().await.unwrap();
    let event = NewEvent {
        event_type: EventType::InstanceStatusChanged,
        subject: Subject { id: "inst_of_a_test".to_owned(), parent_id: None },
        tenant_id: Some(tenant),
        previous: None,
        data: json!({ "last": last }),
    };
    let at = tx.now();
    tx.append(&vec![event; events], &Author::default(), at).await.unwrap();
    tx
}

/// Follows the log from `after` to its last event, over one connection after the other; the
/// cursors that came.
async fn follow(addresses: Vec<String>, token: String, after: Value, seed: u64) -> Vec<String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut seen, mut after) = (Vec::new(), after);
    loop {
        let address = random.choice(&addresses).unwrap();
        let mut socket = Socket::connect(address, Some(&token)).await;
        socket.subscribe("1", EVENTS, json!({ "after": after })).await;
        for _ in 0..random.usize(1..MOST_EVENTS) {
            let message = socket.hear().await;
            let event = &message["payload"]["data"]["events"];
            assert!(event.is_object(), "{message}");
            after = event["cursor"].clone();
            seen.push(after.as_str().unwrap().to_owned());
            if event["data"]["last"] == true {
                return seen;
            }
        }
    }
}

/// The cursors of what there is up to the last event, in its order.
async fn told(store: &SqlStore, tenant: TenantId, after: &Value) -> Vec<String> {
    let start: Cursor = after.as_str().unwrap().parse().unwrap();
    let filter = EventFilter { tenant_id: Some(tenant), ..EventFilter::default() };
    let mut reader = store.read().await.unwrap();
    let events = reader.events_after(start.position(), i64::MAX, &filter, usize::MAX).await;
    let cursor = |event: &Event| Cursor(event.position).to_string();
    events.unwrap().iter().map(cursor).collect()
}

/// Subscribes from a cursor until that is refused.
async fn expiry(fleet: &Fleet, token: &str, after: &Value) -> Value {
    loop {
        let mut socket = Socket::connect(&fleet.addresses()[0], Some(token)).await;
        socket.subscribe("1", EVENTS, json!({ "after": after })).await;
        let message = socket.hear().await;
        if message["type"] == "error" {
            return message["payload"][0].clone();
        }
        if !message["payload"]["errors"].is_null() {
            return message["payload"]["errors"][0].clone();
        }
    }
}
