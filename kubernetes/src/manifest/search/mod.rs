//! A search cluster's objects.

mod budget;
mod meta;
mod namespace;
mod services;
mod stateful_set;

pub(crate) use budget::budget;
pub(crate) use namespace::namespace;
pub(crate) use services::{HTTP, client_service, headless_name, headless_service};
pub(crate) use stateful_set::stateful_set;

#[cfg(test)]
mod sample;
