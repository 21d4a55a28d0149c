//! The Kubernetes API over HTTP.

mod answer;
mod body;
mod discovery;
mod events_v1;
mod follow;
mod list;
mod logs;
mod proxy;
mod query;
mod representation;
mod request;
mod reviews;
mod rights;
mod scale;
mod serve;
mod table;
mod watch;
mod write;

pub(crate) use self::{rights::Rights, serve::router};
