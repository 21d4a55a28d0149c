//! What the cluster offers, its version and its health.

mod aggregated;
mod answer;
mod resources;

pub(super) use answer::answer;
