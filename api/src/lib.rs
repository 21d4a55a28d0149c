//! The `slipway` program: the graph over HTTP, and the loops that do the work.

pub mod auth;
pub mod compose;
pub mod config;
pub mod graphql;
pub mod http;
pub mod keys;
pub mod passwords;
pub mod serve;
pub mod simulate;
pub mod vault;
pub mod work;
