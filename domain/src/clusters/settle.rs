//! What the end of a cluster's workflow means for the cluster.

use super::{AwaitAddress, Cluster, ClusterAction, ClusterBody, ClusterStatus};
use crate::{
    error::Result,
    events::EventType,
    work::Work,
    workflows::{Ending, Workflow, WorkflowKind},
};

pub(crate) async fn settle(work: &mut Work, workflow: &Workflow, ending: Ending) -> Result<()> {
    let cluster = work.locked::<Cluster>(workflow.subject_id.parse()?).await?;
    let deleting = cluster.status == ClusterStatus::Deleting;
    let creation = workflow.kind == WorkflowKind::CreateDevCluster;
    match (workflow.kind, ending) {
        (WorkflowKind::DeleteDevCluster, Ending::Success) => vanish(work, cluster).await,
        // What was cancelled for a deletion or because the creation failed goes its own way.
        (_, Ending::Failed | Ending::Canceled) if deleting || cluster.released_at.is_some() => {
            Ok(())
        }
        (_, Ending::Failed | Ending::Canceled) => fail(work, workflow, cluster, creation).await,
        (_, Ending::Success) if deleting => Ok(()),
        (_, Ending::Success) => succeed(work, workflow, cluster).await,
    }
}

/// What begins again for the cluster when its failed workflow is tried again: it shows when it is
/// done.
pub(crate) async fn revive(work: &mut Work, workflow: &Workflow) -> Result<()> {
    let mut cluster = work.locked::<Cluster>(workflow.subject_id.parse()?).await?;
    let ClusterBody::Dev(dev) = &mut cluster.body;
    let stop = workflow.kind == WorkflowKind::StopDevCluster;
    if cluster.released_at.is_some() || cluster.status == ClusterStatus::Deleting {
        let aim = if stop { ClusterStatus::Stopped } else { ClusterStatus::Running };
        return Err(cluster.refused(aim));
    }
    dev.stopped = stop;
    cluster.updated_at = work.now();
    work.save(&cluster, EventType::ClusterUpdated, Some(cluster.status.as_str())).await
}

async fn succeed(work: &mut Work, workflow: &Workflow, cluster: Cluster) -> Result<()> {
    let (previous, now) = (cluster.status.as_str(), work.now());
    let action = match workflow.kind {
        WorkflowKind::StopDevCluster => ClusterAction::Halted,
        _ => ClusterAction::Ran,
    };
    let mut cluster = cluster.apply(action, now)?;
    let ClusterBody::Dev(dev) = &mut cluster.body;
    dev.server_ip = match action {
        ClusterAction::Halted => None,
        _ => work.address(workflow).await?,
    };
    work.tx.use_quota(&workflow.subject_id).await?;
    work.save(&cluster, EventType::ClusterStatusChanged, Some(previous)).await
}

/// A creation that failed has been cleaned up by now: what it held comes free, and what queued
/// behind it has no object.
async fn fail(
    work: &mut Work,
    workflow: &Workflow,
    cluster: Cluster,
    creation: bool,
) -> Result<()> {
    let (previous, now) = (cluster.status.as_str(), work.now());
    let mut cluster = cluster.fail(work.failure(workflow).await?, now)?;
    if creation {
        cluster.released_at = Some(now);
        work.release(&cluster).await?;
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
    /// Where the first node was found.
    async fn address(&mut self, workflow: &Workflow) -> Result<Option<String>> {
        let tasks = self.tx.tasks_of_workflows(&[workflow.id]).await?;
        let found = tasks
            .into_iter()
            .filter_map(|task| task.result)
            .find_map(|result| result[AwaitAddress::SERVER_IP].as_str().map(str::to_owned));
        Ok(found)
    }
}
