//! Why an instance does not run: a rule table over what the cluster shows, with the evidence.

use super::{Instance, InstanceRuntime, InstanceStatus};
use crate::runtime::Pod;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One of a closed list, such as `IMAGE_PULL`.
    pub code: &'static str,
    pub message: String,
    /// What the cluster said, most telling first.
    pub evidence: Vec<String>,
}

/// Reasons that Kubernetes gives for a pod, and what they come to.
const RULES: &[(&str, &str, &str)] = &[
    ("OOMKilled", "OUT_OF_MEMORY", "the container used more memory than it may"),
    ("ErrImagePull", "IMAGE_PULL", "the image cannot be pulled"),
    ("ImagePullBackOff", "IMAGE_PULL", "the image cannot be pulled"),
    ("InvalidImageName", "IMAGE_PULL", "the image's name is not valid"),
    ("CrashLoopBackOff", "CRASH_LOOP", "the container ends again and again"),
    ("Error", "CRASH_LOOP", "the container ended with an error"),
    ("Unschedulable", "UNSCHEDULABLE", "no node has room for the pod"),
    ("FailedCreate", "QUOTA", "the cluster refuses to create the pod"),
    ("ContainersNotReady", "NOT_READY", "the container is not ready yet"),
    ("ContainerCreating", "NOT_READY", "the container is being created"),
];

/// `None` for an instance that runs, or that nobody wants to run.
pub fn explain(
    instance: &Instance,
    runtime: Option<&InstanceRuntime>,
    pods: &[Pod],
) -> Option<Explanation> {
    use InstanceStatus::{Deleted, Deleting, Stopped, Stopping};
    let unwanted = matches!(instance.status, Stopping | Stopped | Deleting | Deleted);
    let runs = instance.status == InstanceStatus::Running
        && runtime.is_some_and(|seen| {
            seen.total_replicas > 0 && seen.ready_replicas >= seen.total_replicas
        });
    if unwanted || runs {
        return None;
    }
    if let Some(failure) = &instance.failure {
        return Some(of_failure(failure));
    }
    let reasons = reasons(runtime, pods);
    let evidence = reasons.iter().map(|(reason, message)| match message {
        Some(message) => format!("{reason}: {message}"),
        None => (*reason).to_owned(),
    });
    let rule = RULES.iter().find(|(reason, ..)| reasons.iter().any(|(have, _)| have == reason));
    let (code, message) = rule.map_or_else(
        || ("NOT_READY", "it is not ready yet"),
        |(_, code, message)| (*code, *message),
    );
    Some(Explanation { code, message: message.to_owned(), evidence: evidence.collect() })
}

/// After a failure the cluster may have nothing to show any more; the failure says what it was.
fn of_failure(failure: &str) -> Explanation {
    let rule = RULES.iter().find(|(reason, ..)| failure.contains(reason));
    let (code, message) = match rule {
        Some((_, code, message)) => (*code, *message),
        None if failure.starts_with("deadline") => ("DEADLINE", "it was not ready in time"),
        None => ("FAILED", "its last workflow did not succeed"),
    };
    Explanation { code, message: message.to_owned(), evidence: vec![failure.to_owned()] }
}

/// All that speaks against the instance, pods before the Deployment.
fn reasons<'a>(
    runtime: Option<&'a InstanceRuntime>,
    pods: &'a [Pod],
) -> Vec<(&'a str, Option<&'a str>)> {
    let of_pods = pods.iter().filter(|pod| !pod.ready).flat_map(|pod| {
        let last = pod.last_termination.as_deref().map(|reason| (reason, None));
        let now = pod.reason.as_deref().map(|reason| (reason, pod.message.as_deref()));
        last.into_iter().chain(now)
    });
    let of_deployment =
        runtime.and_then(|seen| Some((seen.error_reason.as_deref()?, seen.message.as_deref())));
    of_pods.chain(of_deployment).collect()
}
