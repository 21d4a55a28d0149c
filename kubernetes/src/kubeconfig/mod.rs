//! Kubeconfigs, of which only what can neither run a program nor read a file is accepted.

mod document;
mod read;
mod resolve;

pub use resolve::Kubeconfig;
