//! What an application's objects look like: pure functions from the domain's words.

mod build;
mod job;
mod meta;
mod pod;
mod registry;
mod release;
mod route;
mod secret;
mod test;

pub(super) use job::{job, job_secrets};
pub(super) use release::{release, release_name, release_secrets, secret_names};
pub(super) use route::route;

#[cfg(test)]
mod sample;
