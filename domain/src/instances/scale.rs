//! Starting, stopping, restarting and updating an instance, and putting back what has vanished.

use jiff::SignedDuration;

use super::{ApplyPart, AwaitRollout, Instance, provision};
use crate::{
    runtime::Part,
    workflows::{NewTask, Plan, WorkflowKind},
};

/// One copy again; all objects are applied, since a start also mends.
pub(super) fn start(instance: &Instance, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::StartInstance, provision::standing(instance, 1, limit))
}

/// No copies; Service and Ingress stay, and so does the address.
pub(super) fn stop(instance: &Instance, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::StopInstance, rolled_out(instance, 0, limit))
}

/// New pods; the restart token in their template makes Kubernetes replace them.
pub(super) fn restart(instance: &Instance, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::RestartInstance, rolled_out(instance, 1, limit))
}

/// The new specification everywhere, pod by pod.
pub(super) fn update(instance: &Instance, limit: SignedDuration) -> Plan {
    plan(instance, WorkflowKind::UpdateInstance, provision::standing(instance, 1, limit))
}

/// Everything that should stand, applied again.
pub(super) fn reconcile(instance: &Instance, replicas: i32, limit: SignedDuration) -> Plan {
    let tasks = provision::standing(instance, replicas, limit);
    plan(instance, WorkflowKind::ReconcileInstance, tasks)
}

fn rolled_out(instance: &Instance, replicas: i32, limit: SignedDuration) -> Vec<NewTask> {
    let workload = instance.workload(replicas);
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
