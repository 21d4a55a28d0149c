//! What pods write.

mod follow;
mod lines;
mod tail;

pub(crate) use self::{follow::follow, tail::tail};
