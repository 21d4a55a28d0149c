mod app;
mod cable;
mod client;
mod database;
mod process;
mod served;
mod socket;
mod wire;

pub use app::{KEY, PASSWORD, TestApp, TestClock, door, guarded};
pub use cable::{Cable, State};
pub use client::{Client, Reply, product};
pub use database::Database;
pub use process::Process;
pub use served::ServedCluster;
pub use socket::{Socket, Subscription};
pub use wire::{exchange, http_get, request};
