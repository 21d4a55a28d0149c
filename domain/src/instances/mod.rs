mod delete;
mod explain;
mod instance;
mod log;
mod logs;
mod observe;
mod observer;
mod provision;
mod reconcile;
mod scale;
mod service;
mod steps;
mod store;

pub use explain::{Circumstances, Explanation, explain};
pub use instance::{Instance, InstanceAction, InstanceFilter, InstanceRuntime, InstanceStatus};
pub use log::{InstanceLog, LogType};
pub use observer::{Observer, ObserverLease};
pub use service::InstanceChange;
pub(crate) use service::{revive, settle};
pub use steps::{
    ApplyPart, ApplySecret, AwaitRemoval, AwaitRollout, FindDrift, RemoveSecret, RemoveWorkload,
};
pub use store::{InstanceLogReads, InstanceLogWrites, InstanceReads, InstanceWrites};
