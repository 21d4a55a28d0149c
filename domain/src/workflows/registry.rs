//! Which executor runs a task of which kind, and what the end of a workflow means for its
//! subject. A new kind of step or workflow is one line here.

use futures::future::BoxFuture;
use serde_json::Value;

use super::{Ending, Executor, Outcome, Outside, Task, TaskLog, Workflow, WorkflowKind};
use crate::{
    clusters::{
        self, ApplySearchPart, AwaitAbsence, AwaitAddress, AwaitSearchRollout, ConfigureIndices,
        CreateDevCluster, ExpandVolumes, ProbePorts, RemoveDevCluster, RemoveSearchPart,
        StartDevCluster, StopDevCluster, VerifyDevCluster,
    },
    delivery::{
        self, Build, CleanupBlue, Deploy, DeployGreen, HealthCheck, RemoveJobs, RestoreRelease,
        SwitchTraffic, Test,
    },
    error::{Error, Result},
    ids::TaskId,
    instances::{
        self, ApplyPart, ApplySecret, AwaitRemoval, AwaitRollout, FindDrift, RemoveSecret,
        RemoveWorkload,
    },
    work::Work,
};

type Run = for<'a> fn(Value, &'a Outside, &'a mut TaskLog) -> BoxFuture<'a, Result<Outcome>>;

/// A kind of step with the payload version that this binary writes and reads.
struct Entry {
    kind: &'static str,
    version: i32,
    run: Run,
}

const EXECUTORS: &[Entry] = &[
    entry::<ApplyPart>(),
    entry::<ApplySecret>(),
    entry::<AwaitRollout>(),
    entry::<FindDrift>(),
    entry::<RemoveSecret>(),
    entry::<RemoveWorkload>(),
    entry::<AwaitRemoval>(),
    entry::<ApplySearchPart>(),
    entry::<AwaitSearchRollout>(),
    entry::<ExpandVolumes>(),
    entry::<ConfigureIndices>(),
    entry::<RemoveSearchPart>(),
    entry::<ProbePorts>(),
    entry::<CreateDevCluster>(),
    entry::<StartDevCluster>(),
    entry::<StopDevCluster>(),
    entry::<AwaitAddress>(),
    entry::<VerifyDevCluster>(),
    entry::<RemoveDevCluster>(),
    entry::<AwaitAbsence>(),
    entry::<Build>(),
    entry::<Test>(),
    entry::<Deploy>(),
    entry::<DeployGreen>(),
    entry::<HealthCheck>(),
    entry::<SwitchTraffic>(),
    entry::<CleanupBlue>(),
    entry::<RemoveJobs>(),
    entry::<RestoreRelease>(),
];

/// The kinds of task, each with its newest payload version, that this binary can run; others
/// wait for one that can.
pub(super) fn known() -> Vec<(&'static str, i32)> {
    EXECUTORS.iter().map(|entry| (entry.kind, entry.version)).collect()
}

pub(super) async fn execute(
    kind: &str,
    payload: Value,
    outside: &Outside,
    log: &mut TaskLog,
) -> Result<Outcome> {
    let entry = EXECUTORS.iter().find(|entry| entry.kind == kind);
    let entry = entry.ok_or_else(|| Error::internal(format!("no executor for {kind}")))?;
    (entry.run)(payload, outside, log).await
}

pub(super) async fn settle(work: &mut Work, workflow: &Workflow, ending: Ending) -> Result<()> {
    match workflow.kind {
        WorkflowKind::ProvisionInstance
        | WorkflowKind::StartInstance
        | WorkflowKind::StopInstance
        | WorkflowKind::RestartInstance
        | WorkflowKind::UpdateInstance
        | WorkflowKind::ReconcileInstance
        | WorkflowKind::DeleteInstance
        | WorkflowKind::SweepInstance => instances::settle(work, workflow, ending).await,
        WorkflowKind::CreateSearchCluster
        | WorkflowKind::UpdateSearchCluster
        | WorkflowKind::ReconcileSearchCluster
        | WorkflowKind::DeleteSearchCluster
        | WorkflowKind::CreateDevCluster
        | WorkflowKind::StartDevCluster
        | WorkflowKind::StopDevCluster
        | WorkflowKind::DeleteDevCluster => clusters::settle(work, workflow, ending).await,
        WorkflowKind::RollingDeployment | WorkflowKind::BlueGreenDeployment => {
            delivery::settle(work, workflow, ending).await
        }
    }
}

/// What begins again for the subject when a workflow that had failed is tried again.
pub(super) async fn revive(work: &mut Work, workflow: &Workflow) -> Result<()> {
    match workflow.kind {
        WorkflowKind::UpdateSearchCluster
        | WorkflowKind::ReconcileSearchCluster
        | WorkflowKind::StartDevCluster
        | WorkflowKind::StopDevCluster => clusters::revive(work, workflow).await,
        WorkflowKind::RollingDeployment | WorkflowKind::BlueGreenDeployment => {
            delivery::revive(work, workflow).await
        }
        _ => instances::revive(work, workflow).await,
    }
}

/// Tells the open tasks what is known only now: when the workflow's turn comes, and when some are
/// tried again.
pub(super) async fn prepare(
    work: &mut Work,
    workflow: &Workflow,
    tasks: &mut [Task],
) -> Result<()> {
    match workflow.kind {
        WorkflowKind::RollingDeployment | WorkflowKind::BlueGreenDeployment => {
            delivery::prepare(work, workflow, tasks).await
        }
        _ => Ok(()),
    }
}

/// What the first start of a task means for the workflow's subject.
pub(super) async fn begin(work: &mut Work, workflow: &Workflow) -> Result<()> {
    match workflow.kind {
        WorkflowKind::RollingDeployment | WorkflowKind::BlueGreenDeployment => {
            delivery::begin(work, workflow).await
        }
        _ => Ok(()),
    }
}

/// What the success of the task `done` means for the others.
pub(super) async fn achieve(
    work: &mut Work,
    workflow: &Workflow,
    done: TaskId,
    tasks: &mut [Task],
) -> Result<()> {
    match workflow.kind {
        WorkflowKind::RollingDeployment | WorkflowKind::BlueGreenDeployment => {
            delivery::achieve(work, workflow, done, tasks).await
        }
        _ => Ok(()),
    }
}

/// Whether people may stop a workflow of this kind; one that is to leave nothing goes on.
pub(super) fn is_cancellable(kind: WorkflowKind) -> bool {
    !kind.removes()
}

const fn entry<E: Executor>() -> Entry {
    Entry { kind: E::KIND, version: E::VERSION, run: run::<E> }
}

fn run<'a, E: Executor>(
    payload: Value,
    outside: &'a Outside,
    log: &'a mut TaskLog,
) -> BoxFuture<'a, Result<Outcome>> {
    Box::pin(async move {
        let step: E = serde_json::from_value(payload).map_err(|error| Error::Internal {
            context: format!("a payload of {} cannot be read", E::KIND),
            source: Some(error.into()),
        })?;
        step.run(outside, log).await
    })
}
