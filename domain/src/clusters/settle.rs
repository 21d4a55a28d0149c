//! What the end of a cluster's workflow means for the cluster.

use super::{AwaitAddress, Cluster, ClusterAction, ClusterStatus};
use crate::{
    error::Result,
    events::EventType,
    work::Work,
    workflows::{Ending, Workflow, WorkflowKind},
};

pub(crate) async fn settle(work: &mut Work, workflow: &Workflow, ending: Ending) -> Result<()> {
    let cluster = work.locked::<Cluster>(workflow.subject_id.parse()?).await?;
    let deleting = cluster.status == ClusterStatus::Deleting;
    match (workflow.kind, ending) {
        (WorkflowKind::ReconcileSearchCluster, _) => Ok(()),
        (WorkflowKind::DeleteSearchCluster | WorkflowKind::DeleteDevCluster, Ending::Success) => {
            vanish(work, cluster).await
        }
        // What was cancelled for a deletion, or because the creation failed, goes its own way.
        _ if deleting || cluster.released_at.is_some() => Ok(()),
        (_, Ending::Failed | Ending::Canceled) => fail(work, workflow, cluster).await,
        (_, Ending::Success) => succeed(work, workflow, cluster).await,
    }
}

/// What begins again for the cluster when its failed workflow is tried again.
pub(crate) async fn revive(work: &mut Work, workflow: &Workflow) -> Result<()> {
    let cluster = work.locked::<Cluster>(workflow.subject_id.parse()?).await?;
    let (previous, now) = (cluster.status.as_str(), work.now());
    let stop = workflow.kind == WorkflowKind::StopDevCluster;
    let aim = if stop { ClusterStatus::Stopped } else { ClusterStatus::Running };
    if cluster.released_at.is_some() || cluster.status == ClusterStatus::Deleting {
        return Err(cluster.refused(aim));
    }
    let mut cluster = match workflow.kind {
        WorkflowKind::UpdateSearchCluster => cluster.apply(ClusterAction::Update, now)?,
        _ => cluster,
    };
    if let Some(dev) = cluster.dev_mut() {
        // It shows when it is done.
        dev.stopped = stop;
    }
    cluster.updated_at = now;
    work.save(&cluster, EventType::ClusterUpdated, Some(previous)).await
}

async fn succeed(work: &mut Work, workflow: &Workflow, cluster: Cluster) -> Result<()> {
    let (previous, now) = (cluster.status.as_str(), work.now());
    let action = match workflow.kind {
        WorkflowKind::CreateSearchCluster | WorkflowKind::UpdateSearchCluster => {
            ClusterAction::Stood
        }
        WorkflowKind::StopDevCluster => ClusterAction::Halted,
        _ => ClusterAction::Ran,
    };
    let mut cluster = cluster.apply(action, now)?;
    if let Some(dev) = cluster.dev_mut() {
        dev.server_ip = match action {
            ClusterAction::Halted => None,
            _ => work.address(workflow).await?,
        };
    }
    let cluster = work.next_update(cluster).await?;
    if cluster.status != ClusterStatus::Scaling {
        work.tx.use_quota(&workflow.subject_id).await?;
    }
    work.save(&cluster, EventType::ClusterStatusChanged, Some(previous)).await
}

/// A creation that failed has been cleaned up by now: what it held comes free, and what queued
/// behind it has no object.
async fn fail(work: &mut Work, workflow: &Workflow, cluster: Cluster) -> Result<()> {
    let creations = [WorkflowKind::CreateSearchCluster, WorkflowKind::CreateDevCluster];
    let creation = creations.contains(&workflow.kind);
    let (previous, now) = (cluster.status.as_str(), work.now());
    let mut cluster = cluster.fail(work.failure(workflow).await?, now)?;
    if creation {
        cluster.released_at = Some(now);
        work.release(&cluster).await?;
    } else {
        cluster = work.next_update(cluster).await?;
    }
    work.save(&cluster, EventType::ClusterStatusChanged, Some(previous)).await?;
    if creation {
        // What ends with it is settled here too.
        Box::pin(work.cancel_lane(&workflow.subject_id, "the creation failed")).await?;
    }
    Ok(())
}

async fn vanish(work: &mut Work, cluster: Cluster) -> Result<()> {
    let (previous, now) = (cluster.status.as_str(), work.now());
    let cluster = cluster.apply(ClusterAction::Vanished, now)?;
    work.release(&cluster).await?;
    work.save(&cluster, EventType::ClusterDeleted, Some(previous)).await
}

impl Work {
    /// Scaling again, where another update waits in the lane.
    async fn next_update(&mut self, cluster: Cluster) -> Result<Cluster> {
        let live = self.tx.live_workflows(&[cluster.id.to_string()]).await?;
        let waits = |workflow: &Workflow| {
            workflow.kind == WorkflowKind::UpdateSearchCluster && workflow.cancel_reason.is_none()
        };
        match live.iter().any(waits) {
            true => cluster.apply(ClusterAction::Update, self.now()),
            false => Ok(cluster),
        }
    }

    /// Where the first node was found.
    async fn address(&mut self, workflow: &Workflow) -> Result<Option<String>> {
        let tasks = self.tx.tasks_of_workflows(&[workflow.id]).await?;
        let mut results = tasks.into_iter().filter_map(|task| task.result);
        Ok(results.find_map(|it| it[AwaitAddress::SERVER_IP].as_str().map(str::to_owned)))
    }
}
