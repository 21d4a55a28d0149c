mod app;
mod client;
mod database;
mod process;
mod socket;
mod wire;

pub use app::TestApp;
pub use client::{Client, Reply, product};
pub use database::Database;
pub use process::Process;
pub use socket::{Socket, Subscription};
pub use wire::http_get;
