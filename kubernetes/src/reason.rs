//! Why a pod or a Deployment does not do what it should, as Kubernetes says.

use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentCondition},
    core::v1::{
        ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod, PodCondition,
        PodStatus,
    },
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) reason: String,
    pub(crate) message: Option<String>,
    pub(crate) weight: Weight,
}

/// How much a reason tells, the most telling last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// It is under way.
    Unready,
    /// The pod as a whole has failed, by eviction for example, and is replaced by another.
    Lost,
    Unscheduled,
    Ended,
    /// The container cannot be started, or not again.
    Stuck,
}

impl Reason {
    /// Whether more patience alone is not likely to help.
    pub(crate) fn is_trouble(&self) -> bool {
        self.weight > Weight::Unready
    }
}

/// Why a pod is not ready; `None` for one that is.
pub(crate) fn of_pod(pod: &Pod) -> Option<Reason> {
    let status = pod.status.as_ref()?;
    if condition(status, "Ready").is_some_and(|ready| ready.status == "True") {
        return None;
    }
    let lost = status.reason.as_ref().map(|reason| Reason {
        reason: reason.clone(),
        message: status.message.clone(),
        weight: Weight::Lost,
    });
    let of_containers = || containers(status).filter_map(of_container).max_by_key(|it| it.weight);
    lost.or_else(of_containers)
        .or_else(|| of_condition(status, "PodScheduled", Weight::Unscheduled))
        .or_else(|| of_condition(status, "Ready", Weight::Unready))
}

/// How the pod's container ended last.
pub(crate) fn last_termination(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    containers(status).find_map(last_end).map(ending)
}

/// The condition that reports a failure.
pub(crate) fn of_deployment(deployment: &Deployment) -> Option<&DeploymentCondition> {
    deployment_condition(deployment, "ReplicaFailure")
        .filter(|condition| condition.status == "True")
        .or_else(|| {
            deployment_condition(deployment, "Progressing")
                .filter(|condition| condition.status == "False")
        })
}

pub(crate) fn deployment_condition<'a>(
    deployment: &'a Deployment,
    kind: &str,
) -> Option<&'a DeploymentCondition> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == kind)
}

pub(crate) fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<&'a PodCondition> {
    status.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// With which code the pod's container ended last.
pub(crate) fn last_exit_code(pod: &Pod) -> Option<i32> {
    let status = pod.status.as_ref()?;
    containers(status).find_map(last_end).map(|end| end.exit_code)
}

fn containers(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    status.container_statuses.iter().flatten()
}

fn of_container(status: &ContainerStatus) -> Option<Reason> {
    let state = status.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        return of_waiting(waiting);
    }
    let end = state.terminated.as_ref()?;
    let message = end.message.clone().or_else(|| Some(format!("exit code {}", end.exit_code)));
    Some(Reason { reason: ending(end), message, weight: Weight::Ended })
}

fn of_waiting(waiting: &ContainerStateWaiting) -> Option<Reason> {
    let reason = waiting.reason.clone()?;
    let weight = match reason.as_str() {
        "ContainerCreating" | "PodInitializing" => Weight::Unready,
        _ => Weight::Stuck,
    };
    Some(Reason { reason, message: waiting.message.clone(), weight })
}

fn of_condition(status: &PodStatus, kind: &str, weight: Weight) -> Option<Reason> {
    let condition = condition(status, kind).filter(|condition| condition.status == "False")?;
    let reason = condition.reason.clone()?;
    Some(Reason { reason, message: condition.message.clone(), weight })
}

fn last_end(status: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let now = status.state.as_ref().and_then(|state| state.terminated.as_ref());
    now.or_else(|| status.last_state.as_ref()?.terminated.as_ref())
}

pub(crate) fn ending(end: &ContainerStateTerminated) -> String {
    end.reason.clone().unwrap_or_else(|| format!("ExitCode:{}", end.exit_code))
}
