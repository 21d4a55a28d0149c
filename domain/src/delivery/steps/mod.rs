//! What the tasks of a deployment do. Each may run again after a crash.

mod build;
mod deploy;
mod health_check;
mod job;
mod stage;
mod test;
mod traffic;
mod undo;

pub use build::{Build, BuildConfig};
pub use deploy::{Deploy, DeployConfig, DeployGreen, GreenConfig};
pub use health_check::{HealthCheck, HealthConfig};
pub use stage::Stage;
pub use test::{Test, TestConfig};
pub use traffic::{CleanupBlue, CleanupConfig, SwitchConfig, SwitchTraffic};
pub use undo::{RemoveJobs, RestoreRelease};
