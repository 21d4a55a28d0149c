//! Every change to the cluster, by clients and controllers alike, goes through here.

mod create;
mod delete;
mod limits;
mod patch;
mod quota;
mod strategic;
mod update;
mod validate;

pub(crate) use delete::{DeleteOptions, Propagation};
pub(crate) use patch::Patch;
pub(crate) use quota::usage;
