//! Starting, stopping and deleting a development cluster.

use super::{
    AwaitAbsence, AwaitAddress, Cluster, DevCluster, DevMachine, RemoveDevCluster, StartDevCluster,
    StopDevCluster, VerifyDevCluster, create_dev::ADDRESS_LIMIT,
};
use crate::{
    control_plane::Settings,
    workflows::{NewTask, Plan, WorkflowKind},
};

pub(super) fn start(cluster: &Cluster, dev: &DevCluster, settings: &Settings) -> Plan {
    let limit = settings.task_deadline;
    let machine = || DevMachine::of(cluster, dev, &settings.port_rules);
    let tasks = vec![
        NewTask::new("start_cluster", &StartDevCluster { machine: machine() }).within(limit),
        NewTask::new("await_address", &AwaitAddress { machine: machine() })
            .after(&["start_cluster"])
            .within(ADDRESS_LIMIT),
        NewTask::new("verify_cluster", &VerifyDevCluster { machine: machine() })
            .after(&["await_address"])
            .within(limit),
    ];
    plan(WorkflowKind::StartDevCluster, cluster, tasks)
}

pub(super) fn stop(cluster: &Cluster, dev: &DevCluster, settings: &Settings) -> Plan {
    let machine = DevMachine::of(cluster, dev, &settings.port_rules);
    let stop = NewTask::new("stop_cluster", &StopDevCluster { machine });
    plan(WorkflowKind::StopDevCluster, cluster, vec![stop.within(settings.task_deadline)])
}

/// Without time limits: a deletion is tried until it is done.
pub(super) fn delete(cluster: &Cluster, dev: &DevCluster, settings: &Settings) -> Plan {
    let machine = DevMachine::of(cluster, dev, &settings.port_rules);
    plan(WorkflowKind::DeleteDevCluster, cluster, removal(&machine).into())
}

pub(super) fn removal(machine: &DevMachine) -> [NewTask; 2] {
    let machine = || machine.clone();
    [
        NewTask::new("remove_cluster", &RemoveDevCluster { machine: machine() }),
        NewTask::new("await_absence", &AwaitAbsence { machine: machine() })
            .after(&["remove_cluster"]),
    ]
}

pub(super) fn plan(kind: WorkflowKind, cluster: &Cluster, tasks: Vec<NewTask>) -> Plan {
    Plan { kind, tenant_id: cluster.tenant_id, subject_id: cluster.id.to_string(), tasks }
}
