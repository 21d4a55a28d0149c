//! A storm: clients buy while processes are killed, stopped and started again, on a cluster that
//! fails now and then.

use std::{
    env, fmt,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use persistence::SqlStore;

use super::{
    buyer::Buyer,
    cluster::FaultyCluster,
    extent,
    fleet::Fleet,
    verdicts::{self, Findings},
};
use crate::support::Database;

const BUYERS: usize = 6;
const FAULT_RATE: f64 = 0.15;
/// No more is begun while so many workflows live, so that a slow machine has no backlog.
const MOST_LIVE: u64 = 32;
/// How often that is looked at; the judge is not to take the time of who is judged.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// The longest pause before a kill.
const LONGEST_PAUSE: u64 = 2_500;
/// What a process of a fleet has as its lease.
const LEASE: Duration = Duration::from_secs(5);

/// A run; the same seed kills the same processes after the same pauses.
struct Storm {
    creates: usize,
    kills: usize,
    processes: usize,
    /// How often a process is stopped for twice its lease.
    stops: usize,
    seed: u64,
}

struct Report {
    storm: Storm,
    findings: Findings,
    repeats: usize,
    raged: Duration,
    /// How much of that was spent on letting the work that was begun go on.
    waited: Duration,
    settled: Duration,
    events: i64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_kills_and_faults_loses_nothing_and_does_nothing_twice() {
    let processes = if env::var_os("SLIPWAY_TEST_DATABASE").is_some() { 2 } else { 1 };
    let storm = Storm { creates: 24, kills: 4, processes, stops: 0, seed: 1 };
    let Some(report) = storm.run().await else { return };

    assert!(report.findings.are_none(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is what `cargo xtask crash` runs"]
async fn long() {
    let storm = Storm {
        creates: extent("CREATES", 1_000),
        kills: extent("KILLS", 60),
        processes: extent("PROCESSES", 1),
        stops: extent("STOPS", 0),
        seed: extent("SEED", 1),
    };
    let report = storm.run().await.expect("the program is built");
    println!("{report}");
    assert!(report.findings.are_none(), "the verdicts are not all 0");
}

impl Storm {
    /// `None` where the program is not built.
    async fn run(self) -> Option<Report> {
        let database = Database::new().await;
        let cluster = FaultyCluster::start(FAULT_RATE, self.seed)?;
        let redis = env::var("SLIPWAY_TEST_REDIS").ok();
        let bus = redis.as_deref().map(|url| ("SLIPWAY_REDIS_URL", url));
        let settings: Vec<_> = cluster.settings().into_iter().chain(bus).collect();
        let fleet = Fleet::start(database.shared(), &settings, self.processes)?;
        let product = fleet.product();
        let mut random = fastrand::Rng::with_seed(self.seed);
        let buyer = |n| Buyer::new(fleet.account(&format!("buyer-{n}")), random.fork());
        let mut buyers: Vec<Buyer> = (0..BUYERS).map(buyer).collect();

        let began = Instant::now();
        let (last_start, waited) = self.rage(&fleet, &mut buyers, &product, &mut random);
        let raged = began.elapsed();
        let store = SqlStore::open(&database.url, None).await.unwrap();
        let findings = verdicts::settle(&fleet, &buyers, &store, &cluster, last_start).await;
        Some(Report {
            findings,
            repeats: buyers.iter().map(|buyer| buyer.repeats).sum(),
            raged,
            waited,
            settled: last_start.elapsed(),
            events: domain::store::Store::safe_head(&store).await.unwrap(),
            storm: self,
        })
    }

    /// Buys and kills, each kill with its share of purchases under way; answers with when the last
    /// process was started, and how long it has waited for work that was begun.
    fn rage(
        &self,
        fleet: &Fleet,
        buyers: &mut [Buyer],
        product: &str,
        random: &mut fastrand::Rng,
    ) -> (Instant, Duration) {
        let mut waited = Duration::ZERO;
        let (begun, allowed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let tokens: Vec<_> = buyers.iter().map(|buyer| buyer.token.clone()).collect();
        thread::scope(|scope| {
            for buyer in buyers {
                let (begun, allowed) = (&begun, &allowed);
                scope.spawn(move || {
                    loop {
                        let number = begun.fetch_add(1, SeqCst);
                        if number >= self.creates {
                            return;
                        }
                        while number >= allowed.load(SeqCst) {
                            sleep(Duration::from_millis(5));
                        }
                        buyer.buy(fleet, product, number);
                    }
                });
            }
            for kill in 1..=self.kills {
                let asked_at = Instant::now();
                while verdicts::live(fleet, &tokens) > MOST_LIVE {
                    sleep(LOOK_AGAIN);
                }
                waited += asked_at.elapsed();
                allowed.store(self.creates * kill / self.kills, SeqCst);
                sleep(Duration::from_millis(random.u64(50..LONGEST_PAUSE)));
                let seat = random.usize(0..fleet.seats());
                if (kill * self.stops / self.kills) > ((kill - 1) * self.stops / self.kills) {
                    fleet.pause(seat, 2 * LEASE);
                }
                fleet.kill(seat);
                sleep(Duration::from_millis(random.u64(0..300)));
                fleet.start_again(seat);
                progress(kill, self.kills);
            }
            allowed.store(self.creates, SeqCst);
            (Instant::now(), waited)
        })
    }
}

fn progress(kill: usize, kills: usize) {
    if kill.is_multiple_of(10) {
        println!("{kill} of {kills} kills");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Storm { creates, kills, processes, stops, seed } = &self.storm;
        writeln!(
            f,
            "{creates} purchases, {kills} kills, {stops} stops of {LEASE:?} twice, {processes} \
             process(es), seed {seed}"
        )?;
        writeln!(
            f,
            "  {} calls repeated, {} events; raged {:.0?}, {:.0?} of it with work to be done before \
             a kill; over {:.1?} after the last start",
            self.repeats, self.events, self.raged, self.waited, self.settled
        )?;
        write!(f, "{}", self.findings)
    }
}
