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
    /// How many of its pods its Service sends traffic to; null while that has not been seen.
    ready_endpoints: Option<i32>,
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
        let snapshot = instances::Snapshot::of(instance, seen.as_ref(), pods);
        Self {
            state: snapshot.state,
            phase: snapshot.phase,
            ready_replicas: snapshot.ready_replicas,
            total_replicas: snapshot.total_replicas,
            pod_name: snapshot.pod_name,
            message: snapshot.message,
            error_reason: snapshot.error_reason,
            ready_endpoints: seen.as_ref().and_then(|seen| seen.ready_endpoints),
            namespace: instance.namespace.clone(),
            deployment_name: instance.name.clone(),
            service_name: instance.name.clone(),
            ingress_name: instance.name.clone(),
            observed_at: seen.map(|seen| DateTime(seen.observed_at)),
            stale: !connected,
        }
    }
}
