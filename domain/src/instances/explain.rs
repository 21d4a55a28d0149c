use super::{Instance, InstanceRuntime, InstanceStatus};
use crate::{
    explanation::{self, Explanation},
    runtime::Pod,
};

/// What is known of an instance besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    pub runtime: Option<&'a InstanceRuntime>,
    pub pods: &'a [Pod],
    /// What holds up the workflow that runs for it.
    pub trouble: Option<&'a str>,
    /// Whether the watch on the cluster works.
    pub connected: bool,
}

/// Why it does not run; `None` for an instance that runs, or that nobody wants to run.
pub fn explain(instance: &Instance, known: Circumstances<'_>) -> Option<Explanation> {
    let Circumstances { runtime, pods, trouble, connected } = known;
    if is_unwanted(instance) {
        return None;
    }
    if let Some(seen) = runtime.filter(|seen| runs(instance, seen)) {
        return (seen.ready_endpoints == Some(0)).then(unreached);
    }
    if let Some(failure) = &instance.failure {
        return Some(explanation::of_failure(failure));
    }
    let failure = runtime.and_then(|it| Some((it.error_reason.as_deref()?, it.message.as_deref())));
    Some(explanation::explain(explanation::Circumstances { failure, pods, trouble, connected }))
}

fn is_unwanted(instance: &Instance) -> bool {
    use InstanceStatus::{Deleted, Deleting, Stopped, Stopping};
    matches!(instance.status, Stopping | Stopped | Deleting | Deleted)
}

fn runs(instance: &Instance, seen: &InstanceRuntime) -> bool {
    instance.status == InstanceStatus::Running
        && seen.total_replicas > 0
        && seen.ready_replicas >= seen.total_replicas
}

fn unreached() -> Explanation {
    Explanation {
        code: "NOT_READY",
        message: "its pods are ready, but no traffic reaches them".to_owned(),
        evidence: vec!["the Service has no ready endpoint".to_owned()],
    }
}
