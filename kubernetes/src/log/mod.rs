//! What pods write.

mod follow;
mod lines;
mod tail;
mod written;

pub(crate) use self::{follow::follow, lines::Lines, tail::tail, written::written};
