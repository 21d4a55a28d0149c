//! The scheduler of workflows and the log of events under orders of steps that a seed chooses.
//! Clients, workers and readers of two processes take turns on one thread, each from one call to
//! store or cluster to the next; processes stand still for a while, or die between two turns or
//! around a commit, calls to the cluster fail before or after their effect, and time is another
//! step. The store is SQLite in memory. A seed is a run, which repeats itself exactly:
//!
//! ```sh
//! SLIPWAY_TEST_SEED=17 cargo nextest run interleavings        # that one
//! SLIPWAY_TEST_SEEDS=10000 cargo nextest run interleavings    # so many
//! ```

mod actors;
mod cluster;
mod run;
mod turns;

use std::env;

use self::{
    actors::Bug,
    run::{Outcome, run},
};
use crate::proof::Verdict;

const SEEDS: u64 = 12;
/// A planted bug must show within so many seeds.
const SEEDS_FOR_A_BUG: u64 = 40;
/// So many of a failed run's steps are shown.
const SHOWN: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_order_of_steps_and_crashes_comes_to_the_same_end() {
    let number = |name| env::var(name).ok().map(|set| set.parse::<u64>().unwrap());
    let seeds = match number("SLIPWAY_TEST_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SLIPWAY_TEST_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let outcome = run(seed, None).await;
        assert!(outcome.findings.are_none(), "{}", told(&outcome));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_payment_that_is_acknowledged_before_it_is_committed_is_found() {
    let found = found(Bug::AcknowledgeBeforeCommit).await;

    assert!(found.findings.include(Verdict::Lost), "{}", told(&found));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lease_that_is_not_handed_on_is_found() {
    let found = found(Bug::NoRequeue).await;

    assert!(found.findings.include(Verdict::Stuck), "{}", told(&found));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_worker_without_a_fence_is_found() {
    let found = found(Bug::NoFence).await;

    let told = told(&found);
    let kinds = [Verdict::StaleWrite, Verdict::ExecutedTwice];
    assert!(kinds.into_iter().any(|kind| found.findings.include(kind)), "{told}");
}

/// The first seed that shows a planted bug, which must show it again in the same steps.
async fn found(bug: Bug) -> Outcome {
    for seed in 0..SEEDS_FOR_A_BUG {
        let outcome = run(seed, Some(bug)).await;
        if !outcome.findings.are_none() {
            let again = run(seed, Some(bug)).await;
            assert_eq!(again.steps, outcome.steps, "seed {seed} repeats itself");
            assert_eq!(again.findings.kinds(), outcome.findings.kinds(), "seed {seed}");
            return outcome;
        }
    }
    panic!("{SEEDS_FOR_A_BUG} seeds do not show {bug:?}");
}

fn told(outcome: &Outcome) -> String {
    let Outcome { seed, steps, findings } = outcome;
    let from = steps.len().saturating_sub(SHOWN);
    format!(
        "seed {seed}, {} steps, the last:\n{}\n{findings}",
        steps.len(),
        steps[from..].join("\n")
    )
}
