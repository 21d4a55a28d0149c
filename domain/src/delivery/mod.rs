//! Rolling versions of applications out to environments.

mod application;
mod applications;
mod deployment;
mod deployments;
mod environment;
mod environments;
mod facts;
mod plan;
mod progress;
mod site;
mod standing;
mod steps;
mod store;
mod version;
mod versions;

pub use application::{
    Application, ApplicationChange, ApplicationConfig, ApplicationFilter, HealthCheckConfig,
    NewApplication,
};
pub use deployment::{
    Course, Deployment, DeploymentFailure, DeploymentFilter, DeploymentStatus, DeploymentStrategy,
    NewDeployment, Terms,
};
pub use environment::{
    Environment, EnvironmentChange, EnvironmentFilter, EnvironmentType, NewEnvironment,
};
pub(crate) use progress::{achieve, begin, prepare, revive, settle};
pub use site::{
    ImageBuild, Job, JobLog, JobName, JobState, JobWork, Kubeconfig, Login, Place, Probe,
    ProbeAnswer, Release, ReleaseRollout, Route, Secrets, Site, Sites, Slot, SshKey,
};
pub use standing::{BuiltImage, Standing};
pub use steps::{
    Build, CleanupBlue, Deploy, DeployGreen, HealthCheck, RemoveJobs, RestoreRelease, Stage,
    SwitchTraffic, Test,
};
pub use store::{DeliveryReads, DeliveryWrites, Used};
pub use version::{NewVersion, Version, VersionFilter};
