//! The adapter against a simulated cluster whose time the tests move.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod apply;
mod bench;
mod connect;
mod delivery;
mod kubeconfig;
mod log;
mod remove;
mod rollout;
mod tls;
mod watch;
