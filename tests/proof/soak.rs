//! Work that goes on for long, with a fault each minute: what was acknowledged is done, and the
//! process that lives through all of it needs no more memory than after its first minutes.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use persistence::SqlStore;

use super::{buyer::Buyer, cluster::FaultyCluster, extent, fleet::Fleet, redis::Redis, verdicts};
use crate::support::Database;

const BUYERS: usize = 4;
/// So many purchases of each buyer live at a time.
const KEPT: usize = 10;
const PAUSE: Duration = Duration::from_secs(1);
const A_MINUTE: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(5);
const SAMPLE_EVERY: Duration = Duration::from_secs(5);
const FAULT_RATE: f64 = 0.05;
/// How much more memory the last fifth of the time may take than the second.
const MOST_GROWTH_KIB: u64 = 32 * 1024;
/// The one that lives through all, and the one that is killed and stopped.
const SURVIVOR: usize = 0;
const VICTIM: usize = 1;

/// Cuts all connections of all processes to this database.
const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is what `cargo xtask soak` runs"]
async fn long() {
    let (minutes, seed) = (extent("MINUTES", 20), extent("SEED", 1));
    let database = Database::new().await;
    let cluster = FaultyCluster::start(FAULT_RATE, seed).expect("the program is built");
    let mut redis = Redis::start().expect("redis-server is there");
    let url = redis.url();
    let settings: Vec<_> =
        cluster.settings().into_iter().chain([("SLIPWAY_REDIS_URL", url.as_str())]).collect();
    let fleet = Fleet::start(database.shared(), &settings, 2).unwrap();
    let product = fleet.product();
    let mut random = fastrand::Rng::with_seed(seed);
    let buyer = |n| Buyer::new(fleet.account(&format!("buyer-{n}")), random.fork());
    let mut buyers: Vec<Buyer> = (0..BUYERS).map(buyer).collect();

    let memory = work(&fleet, &mut buyers, &product, minutes, |minute| match minute % 4 {
        0 => {
            fleet.kill(VICTIM);
            fleet.start_again(VICTIM);
            "a process was killed"
        }
        1 => {
            redis.restart();
            "Redis was killed"
        }
        2 => {
            futures::executor::block_on(cut_connections(&database.url));
            "the connections to PostgreSQL were cut"
        }
        _ => {
            fleet.pause(VICTIM, 2 * LEASE);
            "a process was stopped for twice its lease"
        }
    });
    let store = SqlStore::open(&database.url, None).await.unwrap();
    let findings = verdicts::settle(&fleet, &buyers, &store, &cluster, Instant::now()).await;

    let purchases: usize = buyers.iter().map(|buyer| buyer.purchases.len()).sum();
    let (early, late) = (mean_of_fifth(&memory, 1), mean_of_fifth(&memory, 4));
    println!("{minutes} minutes, {purchases} purchases, seed {seed}");
    println!(
        "  memory: {early} KiB in the second fifth of the time, {late} KiB in the last\n{findings}"
    );
    assert!(findings.are_none(), "the verdicts are not all 0");
    assert!(late <= early + MOST_GROWTH_KIB, "the memory grows");
}

/// Buys and deletes, with a fault each minute; the memory of the survivor all along.
fn work(
    fleet: &Fleet,
    buyers: &mut [Buyer],
    product: &str,
    minutes: u32,
    mut fault: impl FnMut(u32) -> &'static str,
) -> Vec<u64> {
    let (number, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        for buyer in buyers {
            let (number, stop) = (&number, &stop);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    buyer.buy(fleet, product, number.fetch_add(1, SeqCst));
                    buyer.keep(fleet, KEPT);
                    sleep(PAUSE);
                }
            });
        }
        let (start, mut memory) = (Instant::now(), Vec::new());
        for minute in 0..minutes {
            while start.elapsed() < A_MINUTE * minute + A_MINUTE / 2 {
                memory.push(fleet.resident_kib(SURVIVOR));
                sleep(SAMPLE_EVERY);
            }
            println!("{minute:>4} min  {:>7} KiB  {}", fleet.resident_kib(SURVIVOR), fault(minute));
        }
        stop.store(true, SeqCst);
        memory
    })
}

async fn cut_connections(url: &str) {
    let mut database = AsyncPgConnection::establish(url).await.unwrap();
    database.batch_execute(CUT).await.unwrap();
}

fn mean_of_fifth(samples: &[u64], which: usize) -> u64 {
    let fifth = samples.len() / 5;
    let part = &samples[fifth * which..fifth * (which + 1)];
    part.iter().sum::<u64>() / part.len().max(1) as u64
}
