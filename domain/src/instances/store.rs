use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    Instance, InstanceFilter, InstanceLog, InstanceRuntime, InstanceSummary, LogType, ObserverLease,
};
use crate::{
    error::Result,
    ids::InstanceId,
    page::{Page, PageRequest},
    runtime::{Owner, Pod, Target},
};

#[async_trait]
pub trait InstanceReads {
    async fn instances_by_id(&mut self, ids: &[InstanceId]) -> Result<Vec<Instance>>;
    async fn instance_by_number(&mut self, number: i64) -> Result<Option<Instance>>;
    async fn instances(
        &mut self,
        filter: &InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<Instance>>;
    async fn instance_summaries_by_id(
        &mut self,
        ids: &[InstanceId],
    ) -> Result<Vec<InstanceSummary>>;
    /// The same page as [`instances`](Self::instances), in short.
    async fn instance_summaries(
        &mut self,
        filter: &InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<InstanceSummary>>;
    async fn runtimes(&mut self, instances: &[InstanceId]) -> Result<Vec<InstanceRuntime>>;
    /// All instances whose Deployment was there when last looked.
    async fn observed_instances(&mut self) -> Result<Vec<InstanceId>>;
    async fn pods_of(&mut self, owners: &[Owner]) -> Result<Vec<Pod>>;
    /// All pods that were there when last looked.
    async fn observed_pods(&mut self) -> Result<Vec<Pod>>;
    async fn pod(&mut self, uid: &str) -> Result<Option<Pod>>;
    async fn target_connected(&mut self, target: &str) -> Result<bool>;
    /// The fence of whoever may observe the target.
    async fn target_fence(&mut self, target: &str) -> Result<Option<i64>>;
}

#[async_trait]
pub trait InstanceWrites {
    /// `false` where the name is held by another instance of the tenant.
    async fn insert_instance(&mut self, instance: &Instance) -> Result<bool>;
    async fn update_instance(&mut self, instance: &Instance) -> Result<()>;
    async fn save_runtime(&mut self, runtime: &InstanceRuntime) -> Result<()>;
    async fn delete_runtime(&mut self, instance: InstanceId) -> Result<()>;
    async fn save_pod(&mut self, pod: &Pod) -> Result<()>;
    async fn delete_pod(&mut self, uid: &str) -> Result<()>;
    async fn save_connection(&mut self, target: &str, connected: bool) -> Result<()>;
    /// Gives the right to observe a target to a process that has it, asks for it by force, or
    /// comes when it has run out; answers with its fence. Call it under a lock.
    async fn lease_target(&mut self, target: &Target, lease: &ObserverLease)
    -> Result<Option<i64>>;
}

#[async_trait]
pub trait InstanceLogReads {
    /// One page for each instance, in the order of `instances`; `types` empty means all.
    async fn logs_of_instances(
        &mut self,
        instances: &[InstanceId],
        types: &[LogType],
        page: &PageRequest,
    ) -> Result<Vec<Page<InstanceLog>>>;
}

#[async_trait]
pub trait InstanceLogWrites {
    async fn append_instance_logs(&mut self, lines: &[InstanceLog]) -> Result<()>;
    /// Deletes lines from before `before`.
    async fn expire_instance_logs(&mut self, before: Timestamp) -> Result<()>;
}
