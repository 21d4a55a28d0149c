//! The `slipway` program: the graph over HTTP, and the loops that do the work.

pub mod auth;
pub mod cli;
pub mod compose;
pub mod config;
mod copies;
pub mod dev_clusters;
mod doctor;
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
