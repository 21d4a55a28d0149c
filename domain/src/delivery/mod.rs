//! Rolling versions of applications out to environments.

mod site;

pub use site::{
    ImageBuild, Job, JobName, JobState, JobWork, Kubeconfig, Login, Place, Probe, ProbeAnswer,
    Release, ReleaseRollout, Route, Secrets, Site, Sites, Slot,
};
