use jiff::Timestamp;
use serde::Serialize;

use super::{Instance, InstanceRuntime, InstanceStatus};
use crate::runtime::Pod;

/// An instance as it runs, in few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Running, Creating, Stopped or Failed.
    pub state: &'static str,
    /// The phase of its first pod or what holds that up; Unknown without a pod.
    pub phase: String,
    pub ready_replicas: i32,
    pub total_replicas: i32,
    pub pod_name: Option<String>,
    /// What the cluster said last.
    pub message: Option<String>,
    /// Why it fails, in Kubernetes' words.
    pub error_reason: Option<String>,
    /// In seconds since 1970.
    pub updated_at: i64,
}

impl Snapshot {
    pub fn of(instance: &Instance, seen: Option<&InstanceRuntime>, pods: &[Pod]) -> Self {
        let first = pods.first();
        let ready = seen.map_or(0, |seen| seen.ready_replicas);
        let wanted = seen.map_or(0, |seen| seen.total_replicas);
        let at = seen.map_or(Timestamp::MIN, |seen| seen.observed_at).max(instance.updated_at);
        Self {
            state: state(instance, ready, wanted),
            phase: first.map_or("Unknown", phase).to_owned(),
            ready_replicas: ready,
            total_replicas: wanted,
            pod_name: first.map(|pod| pod.name.clone()),
            message: first
                .and_then(|pod| pod.message.clone())
                .or_else(|| seen.and_then(|seen| seen.message.clone())),
            error_reason: first
                .filter(|pod| !pod.ready)
                .and_then(|pod| pod.reason.clone())
                .or_else(|| seen.and_then(|seen| seen.error_reason.clone())),
            updated_at: at.as_second(),
        }
    }
}

fn state(instance: &Instance, ready: i32, wanted: i32) -> &'static str {
    match instance.status {
        InstanceStatus::Failed => "Failed",
        _ if wanted > 0 && ready >= wanted => "Running",
        InstanceStatus::Stopped | InstanceStatus::Deleted => "Stopped",
        _ => "Creating",
    }
}

fn phase(pod: &Pod) -> &str {
    pod.reason.as_deref().unwrap_or(&pod.phase)
}
