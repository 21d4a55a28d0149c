use std::{env, time::Duration};

use domain::events::Bus;
use futures::StreamExt;
use persistence::{LocalBus, RedisBus};
use tokio::time::timeout;

use crate::proof::Redis;

/// Wakes by one end until the other has heard it.
async fn is_heard(from: &dyn Bus, by: &dyn Bus) -> bool {
    let mut wake_ups = by.listen();
    for _ in 0..100 {
        from.wake().await;
        if timeout(Duration::from_millis(100), wake_ups.next()).await.is_ok() {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_bus_wakes_its_own_process() {
    let bus = LocalBus::new();

    assert!(is_heard(&bus, &bus).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_bus_wakes_other_processes() {
    let Ok(url) = env::var("SLIPWAY_TEST_REDIS") else { return };
    let (here, there) = (RedisBus::new(&url).unwrap(), RedisBus::new(&url).unwrap());

    assert!(is_heard(&here, &there).await);
    assert!(is_heard(&there, &here).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_bus_wakes_other_processes_again_when_redis_is_back() {
    let Some(mut redis) = Redis::start() else { return };
    let (here, there) =
        (RedisBus::new(&redis.url()).unwrap(), RedisBus::new(&redis.url()).unwrap());
    assert!(is_heard(&here, &there).await);

    redis.restart();

    assert!(is_heard(&here, &there).await);
    assert!(is_heard(&there, &here).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_bus_without_redis_still_wakes_its_own_process() {
    // Nothing listens on the port of the discard service.
    let bus = RedisBus::new("redis://127.0.0.1:9/").unwrap();

    assert!(is_heard(&bus, &bus).await);
    assert!(RedisBus::new("nonsense").is_err());
}
