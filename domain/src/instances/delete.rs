//! Deleting an instance: its objects go, then the row is marked and the name comes free.

use super::{AwaitRemoval, Instance, RemoveWorkload};
use crate::workflows::{NewTask, Plan, WorkflowKind};

/// Without time limits: a deletion is tried until it is done.
pub(super) fn plan(instance: &Instance) -> Plan {
    plan_of(WorkflowKind::DeleteInstance, instance)
}

/// Removes what has come back after the end: a worker that was thought dead may still have been
/// applying it.
pub(super) fn sweep(instance: &Instance) -> Plan {
    plan_of(WorkflowKind::SweepInstance, instance)
}

fn plan_of(kind: WorkflowKind, instance: &Instance) -> Plan {
    Plan {
        kind,
        tenant_id: instance.tenant_id,
        subject_id: instance.id.to_string(),
        tasks: removal(instance).into(),
    }
}

pub(super) fn removal(instance: &Instance) -> [NewTask; 2] {
    let place = instance.place();
    [
        NewTask::new("remove_objects", &RemoveWorkload { place: place.clone() }),
        NewTask::new("await_removal", &AwaitRemoval { place }).after(&["remove_objects"]),
    ]
}
