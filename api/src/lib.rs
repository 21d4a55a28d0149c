//! The `slipway` program: the graph over HTTP, and the loops that do the work.

pub mod auth;
pub mod cli;
pub mod compose;
pub mod config;
mod copies;
mod doctor;
pub mod dev_clusters;
pub mod graphql;
pub mod http;
pub mod import;
pub mod keys;
mod logs;
pub mod metrics;
pub mod passwords;
pub mod reference;
pub mod serve;
pub mod simulate;
mod traces;
pub mod vault;
pub mod work;
