//! Starting, stopping, restarting and updating an instance, and putting back what has vanished.

use jiff::SignedDuration;

use super::{ApplyPart, AwaitRollout, FindDrift, Instance, RemoveSecret, provision};
use crate::{
    runtime::{Part, Workload},
    workflows::{NewTask, Plan, WorkflowKind},
};

/// One copy again; all objects are applied, since a start also mends.
pub(super) fn start(instance: &Instance, workload: &Workload, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::StartInstance, mended(workload, limit))
}

/// No copies; Service and Ingress stay, and so does the address.
pub(super) fn stop(instance: &Instance, workload: &Workload, limit: SignedDuration) -> Plan {
    let workload = Workload { replicas: 0, ..workload.clone() };
    plan(instance, WorkflowKind::StopInstance, rolled_out(workload, limit))
}

/// New pods; the restart token in their template makes Kubernetes replace them.
pub(super) fn restart(instance: &Instance, workload: &Workload, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::RestartInstance, rolled_out(workload.clone(), limit))
}

/// The new specification everywhere, pod by pod.
pub(super) fn update(instance: &Instance, workload: &Workload, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::UpdateInstance, mended(workload, limit))
}

/// What differs is noted, then everything that should stand is applied again.
pub(super) fn reconcile(instance: &Instance, workload: &Workload, limit: SignedDuration) -> Plan {
    let compare = FindDrift { workload: workload.clone() };
    let mut tasks = vec![NewTask::new("find_drift", &compare).within(limit)];
    tasks.extend(
        provision::standing(workload, limit).into_iter().map(|task| {
            if task.depends_on.is_empty() { task.after(&["find_drift"]) } else { task }
        }),
    );
    plan(instance, WorkflowKind::ReconcileInstance, tasks)
}

/// Everything that should stand, and no Secret that no pod uses any more.
fn mended(workload: &Workload, limit: SignedDuration) -> Vec<NewTask> {
    let mut tasks = provision::standing(workload, limit);
    if workload.secret.is_none() {
        let remove = RemoveSecret { place: workload.place.clone() };
        let remove = NewTask::new("remove_secret", &remove).after(&["await_rollout"]);
        tasks.push(remove.within(limit));
    }
    tasks
}

fn rolled_out(workload: Workload, limit: SignedDuration) -> Vec<NewTask> {
    let apply = ApplyPart { part: Part::Deployment, workload: workload.clone() };
    vec![
        NewTask::new("apply_deployment", &apply).within(limit),
        NewTask::new("await_rollout", &AwaitRollout { workload })
            .after(&["apply_deployment"])
            .within(limit),
    ]
}

fn plan(instance: &Instance, kind: WorkflowKind, tasks: Vec<NewTask>) -> Plan {
    Plan { kind, tenant_id: instance.tenant_id, subject_id: instance.id.to_string(), tasks }
}
