//! The simulated cluster, asked over its API.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod client;
mod deployments;
mod failures;
mod faults;
mod lists;
mod objects;
mod ownership;
mod support;
mod watches;
