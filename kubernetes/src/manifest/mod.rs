//! What a workload's objects look like: pure functions from the domain's words.

mod deployment;
mod environment;
mod ingress;
mod meta;
mod namespace;
mod quantity;
pub(crate) mod search;
mod secret;
mod service;

pub(crate) use deployment::deployment;
pub(crate) use environment::{environment, literal, secret_environment};
pub(crate) use ingress::ingress;
pub(crate) use namespace::namespace;
pub(crate) use secret::secret;
pub(crate) use service::service;

#[cfg(test)]
mod sample;
