//! The Kubernetes API over HTTP.

mod answer;
mod body;
mod discovery;
mod list;
mod logs;
mod query;
mod request;
mod scale;
mod serve;
mod watch;
mod write;

pub(crate) use serve::router;
