//! Making, resizing, mending and removing a search cluster.

use jiff::SignedDuration;

use super::{
    ApplySearchPart, AwaitSearchRollout, Cluster, ClusterPlace, ConfigureIndices, ExpandVolumes,
    RemoveSearchPart, SearchPart, SearchWorkload, run_dev::plan,
};
use crate::workflows::{NewTask, Plan, WorkflowKind};

/// What fails or is cancelled is removed again.
pub(super) fn create(cluster: &Cluster, workload: &SearchWorkload, limit: SignedDuration) -> Plan {
    let mut tasks = standing(workload, limit);
    if workload.vector.is_some() {
        let configure = ConfigureIndices { workload: workload.clone() };
        let configure = NewTask::new("configure_indices", &configure).after(&["await_rollout"]);
        tasks.push(configure.within(limit));
    }
    tasks.extend(removal(&workload.place).map(NewTask::as_compensation));
    plan(WorkflowKind::CreateSearchCluster, cluster, tasks)
}

pub(super) fn update(cluster: &Cluster, workload: &SearchWorkload, limit: SignedDuration) -> Plan {
    let mut tasks = standing(workload, limit);
    let expand = ExpandVolumes { workload: workload.clone() };
    let expand = NewTask::new("expand_volumes", &expand).after(&["await_rollout"]);
    tasks.push(expand.within(limit));
    plan(WorkflowKind::UpdateSearchCluster, cluster, tasks)
}

/// Puts back what has vanished.
pub(super) fn reconcile(
    cluster: &Cluster,
    workload: &SearchWorkload,
    limit: SignedDuration,
) -> Plan {
    plan(WorkflowKind::ReconcileSearchCluster, cluster, standing(workload, limit))
}

/// Without time limits: a deletion is tried until it is done.
pub(super) fn delete(cluster: &Cluster, place: &ClusterPlace) -> Plan {
    plan(WorkflowKind::DeleteSearchCluster, cluster, removal(place).into())
}

fn standing(workload: &SearchWorkload, limit: SignedDuration) -> Vec<NewTask> {
    let apply = |name, part| {
        let workload = workload.clone();
        NewTask::new(name, &ApplySearchPart { part, workload }).within(limit)
    };
    let rollout = AwaitSearchRollout { workload: workload.clone() };
    vec![
        apply("apply_namespace", SearchPart::Namespace),
        apply("apply_headless_service", SearchPart::HeadlessService).after(&["apply_namespace"]),
        apply("apply_client_service", SearchPart::ClientService).after(&["apply_namespace"]),
        apply("apply_disruption_budget", SearchPart::DisruptionBudget).after(&["apply_namespace"]),
        apply("apply_stateful_set", SearchPart::StatefulSet).after(&[
            "apply_headless_service",
            "apply_client_service",
            "apply_disruption_budget",
        ]),
        NewTask::new("await_rollout", &rollout).after(&["apply_stateful_set"]).within(limit),
    ]
}

/// In the reverse order, each when nothing is left of the one before.
fn removal(place: &ClusterPlace) -> [NewTask; 6] {
    let remove = |name, part| NewTask::new(name, &RemoveSearchPart { part, place: place.clone() });
    [
        remove("remove_stateful_set", SearchPart::StatefulSet),
        remove("remove_volumes", SearchPart::Volumes).after(&["remove_stateful_set"]),
        remove("remove_disruption_budget", SearchPart::DisruptionBudget).after(&["remove_volumes"]),
        remove("remove_client_service", SearchPart::ClientService)
            .after(&["remove_disruption_budget"]),
        remove("remove_headless_service", SearchPart::HeadlessService)
            .after(&["remove_client_service"]),
        remove("remove_namespace", SearchPart::Namespace).after(&["remove_headless_service"]),
    ]
}
