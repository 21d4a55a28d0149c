//! The simulated cluster, asked over its API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod client;
mod deployments;
mod failures;
mod faults;
mod jobs;
mod kubectl;
mod lists;
mod logs;
mod nodes;
mod objects;
mod ownership;
mod programs;
mod proxy;
mod recordings;
mod replay;
mod rights;
mod stateful_sets;
mod support;
mod watches;
