//! The store on SQLite and PostgreSQL: one query body for both. And the buses that wake whoever
//! waits for a commit.

mod backend;
mod bus;
mod error;
mod migrations;
mod page;
mod pool;
mod safe_head;
mod schema;
mod types;

mod commerce;
mod events;
mod identity;
mod instance_logs;
mod instances;
mod secrets;
mod workflows;

pub use backend::{CommitHook, CommitMoment, SqlStore};
pub use bus::{LocalBus, RedisBus};
