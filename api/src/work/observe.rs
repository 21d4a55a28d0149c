//! Following the cluster and telling other systems, in one process at a time.

use std::{sync::Arc, time::Duration};

use domain::{ControlPlane, Error, ids::ProcessId, instances::Observer};
use futures::StreamExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{PAUSE, failed, mirror};
use crate::metrics::{WorkerCpu, WorkerPart};

/// How often the right to observe is asked for while it is another process's.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// Takes in what the cluster shows, whenever it is this process's turn. After a failure the watch
/// begins anew with complete lists, so that nothing stays missed.
pub(super) async fn run(control_plane: Arc<ControlPlane>, cpu: WorkerCpu, stop: CancellationToken) {
    let process = ProcessId::fresh();
    let observe = async {
        let mut turn = control_plane.begin_observing(process).await;
        loop {
            match turn {
                Ok(Some(observer)) => take_turn(&control_plane, &cpu, process, observer).await,
                Ok(None) => sleep(ASK_AGAIN).await,
                Err(error) => {
                    failed("the right to observe the cluster could not be had", &error);
                    sleep(PAUSE).await;
                }
            }
            turn = control_plane.lease_observer(process).await;
        }
    };
    tokio::select! {
        () = observe => {}
        () = stop.cancelled() => {}
    }
    if let Err(error) = control_plane.release_observer(process).await {
        failed("the right to observe the cluster could not be given back", &error);
    }
}

async fn take_turn(
    control_plane: &ControlPlane,
    cpu: &WorkerCpu,
    process: ProcessId,
    observer: Observer,
) {
    let outcome = tokio::select! {
        outcome = follow(control_plane, cpu, observer) => outcome,
        outcome = prolong(control_plane, process, observer) => outcome,
        () = mirror::run(control_plane) => Ok(()),
    };
    match outcome {
        Ok(()) => {}
        Err(Error::Conflict(why)) => tracing::info!(why, "the cluster is no longer observed here"),
        Err(error) => {
            failed("what the cluster shows could not be taken in", &error);
            sleep(PAUSE).await;
        }
    }
}

async fn follow(
    control_plane: &ControlPlane,
    cpu: &WorkerCpu,
    observer: Observer,
) -> domain::Result<()> {
    control_plane.forget_connection(observer).await?;
    let mut observations = control_plane.observations();
    while let Some(observation) = cpu.measure(WorkerPart::Watch, observations.next()).await {
        let observe = control_plane.observe(observer, observation);
        cpu.measure(WorkerPart::Books, observe).await?;
    }
    Ok(())
}

/// Ends when the right is another process's.
async fn prolong(
    control_plane: &ControlPlane,
    process: ProcessId,
    observer: Observer,
) -> domain::Result<()> {
    let lasts = Duration::try_from(observer.lasts).unwrap_or_default();
    loop {
        sleep(lasts / 3).await;
        if control_plane.lease_observer(process).await?.is_none() {
            return Ok(());
        }
    }
}
