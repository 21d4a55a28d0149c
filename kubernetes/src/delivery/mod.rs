//! Applications in a cluster: Jobs that build and test them, Deployments that run them in slots, and
//! the Service that leads to one of the slots.

mod dial;
mod find;
mod job_log;
mod job_state;
mod jobs;
mod labels;
mod manifest;
pub(crate) mod news;
mod probe;
mod releases;
mod routes;
mod site;
mod sites;

pub use sites::{KubernetesSites, SiteSettings};
