//! Plays recorded requests against the simulated cluster and compares the answers.

mod compare;
mod mask;
mod names;
mod player;
mod recording;
mod streams;

pub use player::{Played, Replay};
