//! What has to hold however processes die: load, kills and faults, and a judgement of what is
//! left. Short forms run with the suite; `cargo xtask crash`, `failover` and `soak` run long ones,
//! whose extent stands in the environment.

mod buyer;
mod cluster;
mod crash;
mod failover;
mod fleet;
mod redis;
mod resume;
mod soak;
mod verdicts;

use std::{env, str::FromStr};

pub use self::{
    redis::Redis,
    verdicts::{Findings, Verdict, judge_log},
};

/// What the command of a long form has set.
fn extent<T: FromStr>(name: &str, otherwise: T) -> T {
    let set = env::var(format!("SLIPWAY_PROOF_{name}")).ok();
    set.map_or(otherwise, |set| set.parse().unwrap_or_else(|_| panic!("{name} is {set}")))
}
