//! The store on SQLite and PostgreSQL: one query body for both. The buses that wake whoever waits
//! for a commit, and the mirrors that other systems look into.

mod backend;
mod bus;
mod by_ids;
mod copies;
mod error;
mod inspection;
mod migrations;
mod mirror;
mod outage;
mod page;
mod pool;
mod postgres;
mod run;
mod safe_head;
mod schema;
mod sqlite;
mod types;

mod clusters;
mod commerce;
mod delivery;
mod events;
mod identity;
mod instance_logs;
mod instances;
mod quota;
mod secrets;
mod summaries;
mod workflows;

pub use backend::{CommitHook, CommitMoment, SqlStore};
pub use bus::{LocalBus, RedisBus};
pub use copies::{back_up, restore};
pub use inspection::{Inspection, inspect};
pub use migrations::SchemaState;
pub use mirror::{MemoryMirror, RedisMirror};
