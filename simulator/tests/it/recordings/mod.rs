//! What was recorded from a real API server holds for the simulated one: each recording is played
//! from its beginning to its end, with what its author did besides.

mod callers;
mod facts;
mod known;
mod scripts;
mod whole;
