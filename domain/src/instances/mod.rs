mod delete;
mod explain;
mod instance;
mod log;
mod observe;
mod provision;
mod scale;
mod service;
mod steps;
mod store;

pub use explain::{Explanation, explain};
pub use instance::{Instance, InstanceAction, InstanceFilter, InstanceRuntime, InstanceStatus};
pub use log::{InstanceLog, LogType};
pub use service::InstanceChange;
pub(crate) use service::{revive, settle};
pub use steps::{ApplyPart, ApplySecret, AwaitRemoval, AwaitRollout, RemoveSecret, RemoveWorkload};
pub use store::{InstanceLogReads, InstanceLogWrites, InstanceReads, InstanceWrites};
