//! Search clusters: a StatefulSet with its Services, its disruption budget and its volumes, in a
//! namespace of its own.

mod apply;
mod configure;
mod find;
mod remove;
mod rollout;
mod volumes;

pub(crate) use apply::apply;
pub(crate) use configure::configure;
pub(crate) use remove::{remains, remove};
pub(crate) use rollout::rollout;
pub(crate) use volumes::expand;
