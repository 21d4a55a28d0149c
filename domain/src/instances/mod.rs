mod delete;
mod explain;
mod instance;
mod log;
mod mirror;
mod observe;
mod observer;
mod pod_log;
mod provision;
mod reconcile;
mod scale;
mod service;
mod snapshot;
mod steps;
mod store;

pub use explain::{Circumstances, explain};
pub use instance::{
    Endpoint, Instance, InstanceAction, InstanceFilter, InstanceRuntime, InstanceStatus,
    InstanceSummary,
};
pub use log::{InstanceLog, LogType};
pub use mirror::{Message, Mirror};
pub use observer::{Observer, ObserverLease};
pub use service::InstanceChange;
pub(crate) use service::{revive, settle};
pub use snapshot::Snapshot;
pub use steps::{
    ApplyPart, ApplySecret, AwaitRemoval, AwaitRollout, FindDrift, RemoveSecret, RemoveWorkload,
};
pub use store::{InstanceLogReads, InstanceLogWrites, InstanceReads, InstanceWrites};
