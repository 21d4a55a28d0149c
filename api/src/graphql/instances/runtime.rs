use async_graphql::SimpleObject;
use domain::{instances, runtime};

use crate::graphql::scalars::DateTime;

/// What the cluster showed last of an instance.
#[derive(SimpleObject)]
pub struct InstanceRuntime {
    /// Running, Creating, Stopped or Failed, in one word for people.
    state: &'static str,
    /// The phase of its first pod or what holds that up, such as CrashLoopBackOff; Unknown
    /// without a pod.
    phase: String,
    /// How many pods are ready.
    ready_replicas: i32,
    /// How many pods are wanted.
    total_replicas: i32,
    /// The name of its first pod.
    pod_name: Option<String>,
    /// What the cluster said last.
    message: Option<String>,
    /// Why it fails, in Kubernetes' words.
    error_reason: Option<String>,
    /// The namespace that it runs in.
    namespace: String,
    /// The name of its Deployment.
    deployment_name: String,
    /// The name of its Service.
    service_name: String,
    /// The name of its Ingress.
    ingress_name: String,
    /// When the cluster showed this; null where it has shown nothing yet.
    observed_at: Option<DateTime>,
    /// The watch is disconnected: the picture may be old.
    stale: bool,
}

impl InstanceRuntime {
    pub(super) fn of(
        instance: &instances::Instance,
        seen: Option<instances::InstanceRuntime>,
        pods: &[runtime::Pod],
        connected: bool,
    ) -> Self {
        let first = pods.first();
        let ready = seen.as_ref().map_or(0, |seen| seen.ready_replicas);
        let wanted = seen.as_ref().map_or(0, |seen| seen.total_replicas);
        let error_reason = first
            .filter(|pod| !pod.ready)
            .and_then(|pod| pod.reason.clone())
            .or_else(|| seen.as_ref().and_then(|seen| seen.error_reason.clone()));
        let state = match instance.status {
            instances::InstanceStatus::Failed => "Failed",
            _ if wanted > 0 && ready >= wanted => "Running",
            instances::InstanceStatus::Stopped | instances::InstanceStatus::Deleted => "Stopped",
            _ => "Creating",
        };
        Self {
            state,
            phase: first.map_or_else(
                || "Unknown".to_owned(),
                |pod| pod.reason.clone().unwrap_or_else(|| pod.phase.clone()),
            ),
            ready_replicas: ready,
            total_replicas: wanted,
            pod_name: first.map(|pod| pod.name.clone()),
            message: first
                .and_then(|pod| pod.message.clone())
                .or_else(|| seen.as_ref().and_then(|seen| seen.message.clone())),
            error_reason,
            namespace: instance.namespace.clone(),
            deployment_name: instance.name.clone(),
            service_name: instance.name.clone(),
            ingress_name: instance.name.clone(),
            observed_at: seen.map(|seen| DateTime(seen.observed_at)),
            stale: !connected,
        }
    }
}
