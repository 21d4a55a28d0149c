//! What is refused with `Invalid`, every cause at once.

mod content;
mod metadata;
mod names;
mod network;
mod object;
mod pod;
mod workload;

pub(super) use object::{object, status};
