//! What is wrong with what a storm has left behind, under nine names.

mod graph;
mod log;
mod objects;

use std::{
    collections::BTreeMap,
    fmt,
    thread::sleep,
    time::{Duration, Instant},
};

use domain::store::Store;
use persistence::SqlStore;

pub use self::{graph::live, log::judge as judge_log};
use super::{buyer::Buyer, cluster::FaultyCluster, fleet::Fleet};

/// How long after the last start all has to be over.
const IN_TIME: Duration = Duration::from_secs(60);
/// What is not over by then is stuck.
const GIVE_UP: Duration = Duration::from_secs(240);
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// So many findings of a kind are shown.
const SHOWN: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Acknowledged, and not there.
    Lost,
    /// One call under one key, and two effects or two answers.
    Doubled,
    ExecutedTwice,
    /// Neither done nor on its way.
    Stuck,
    /// Not done in the time that it may take after the last start.
    Late,
    DuplicateObject,
    /// Written by somebody who had lost the right to.
    StaleWrite,
    /// Stands for nothing that lives.
    Orphan,
    MissingObject,
}

impl Verdict {
    const ALL: [(Self, &str); 9] = [
        (Self::Lost, "lost"),
        (Self::Doubled, "doubled"),
        (Self::ExecutedTwice, "executed twice"),
        (Self::Stuck, "stuck"),
        (Self::Late, "late"),
        (Self::DuplicateObject, "duplicate object"),
        (Self::StaleWrite, "stale write"),
        (Self::Orphan, "orphan"),
        (Self::MissingObject, "missing object"),
    ];
}

/// What was found, by verdict.
#[derive(Clone, Debug, Default)]
pub struct Findings(BTreeMap<Verdict, Vec<String>>);

impl Findings {
    pub fn add(&mut self, verdict: Verdict, what: impl Into<String>) {
        self.0.entry(verdict).or_default().push(what.into());
    }

    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    pub fn include(&self, verdict: Verdict) -> bool {
        self.0.contains_key(&verdict)
    }

    pub fn kinds(&self) -> Vec<Verdict> {
        self.0.keys().copied().collect()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (verdict, name) in Verdict::ALL {
            let found = self.0.get(&verdict).map_or(&[][..], Vec::as_slice);
            writeln!(f, "  {name:<18} {}", found.len())?;
            for finding in found.iter().take(SHOWN) {
                writeln!(f, "      {finding}")?;
            }
        }
        Ok(())
    }
}

/// Waits until everything is over and seen as it should be, or nothing more is to be hoped for.
pub async fn settle(
    fleet: &Fleet,
    buyers: &[Buyer],
    store: &SqlStore,
    cluster: &FaultyCluster,
    last_start: Instant,
) -> Findings {
    let tokens: Vec<_> = buyers.iter().map(|buyer| buyer.token.clone()).collect();
    let mut late = None;
    loop {
        let live = live(fleet, &tokens);
        let given_up = last_start.elapsed() > GIVE_UP;
        let over = live == 0 || given_up;
        let findings = if over { Some(judge(fleet, buyers, store, cluster).await) } else { None };
        if let Some(mut findings) = findings.filter(|found| found.are_none() || given_up) {
            late.into_iter().for_each(|late| findings.add(Verdict::Late, late));
            return findings;
        }
        if late.is_none() && live > 0 && last_start.elapsed() > IN_TIME {
            late = Some(format!("{live} workflows live after {IN_TIME:?}"));
        }
        sleep(LOOK_AGAIN);
    }
}

/// Compares what was acknowledged with the graph, the log of the store and the cluster's API.
async fn judge(
    fleet: &Fleet,
    buyers: &[Buyer],
    store: &SqlStore,
    cluster: &FaultyCluster,
) -> Findings {
    let mut findings = Findings::default();
    let statuses = graph::judge(fleet, buyers, &mut findings);
    let head = store.safe_head().await.unwrap();
    log::judge(store, head, &statuses, &mut findings).await;
    objects::judge(cluster, buyers, &mut findings).await;
    findings
}
