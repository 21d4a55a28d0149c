//! What the API server fills in.

mod admission;
mod fill;
mod pod;
mod service;
mod workload;

pub(crate) use fill::{carry_over, fill, initial_status};
