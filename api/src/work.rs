//! What a process does besides answering: runs tasks and follows the cluster. Everything here may
//! be cut off at any moment.

mod mirror;
mod observe;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{
    ControlPlane,
    workflows::{Claim, GoOn, TakeOvers},
};
use futures::StreamExt;
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::metrics::{WorkerCpu, WorkerPart};

/// How many tasks a process executes at once.
const AT_ONCE: usize = 16;
/// How long an idle process waits before it looks for itself.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often what is past retention is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// How often it is looked whether anything waits for a time that has been set back.
const BRING_FORWARD_EVERY: Duration = Duration::from_secs(10);
/// How long a process pauses when the store or the cluster fails.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts the loops; they end with `stop`, the tasks at work having been recorded.
pub fn start(
    control_plane: &Arc<ControlPlane>,
    cpu: &WorkerCpu,
    tracker: &TaskTracker,
    stop: &CancellationToken,
) {
    let worker =
        Worker { control_plane: control_plane.clone(), cpu: cpu.clone(), stop: stop.clone() };
    tracker.spawn(run_tasks(worker, tracker.clone()));
    tracker.spawn(observe::run(control_plane.clone(), cpu.clone(), stop.clone()));
    tracker.spawn(forget(control_plane.clone(), stop.clone()));
    tracker.spawn(bring_forward(control_plane.clone(), stop.clone()));
}

#[derive(Clone)]
struct Worker {
    control_plane: Arc<ControlPlane>,
    cpu: WorkerCpu,
    stop: CancellationToken,
}

async fn run_tasks(worker: Worker, tracker: TaskTracker) {
    let Worker { control_plane, cpu, stop } = &worker;
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut wake_ups = control_plane.wake_ups();
    let mut take_overs = TakeOvers::new(lease(control_plane), Instant::now());
    while !stop.is_cancelled() {
        let Ok(turn) = turns.clone().acquire_owned().await else {
            return;
        };
        match cpu.measure(WorkerPart::Books, claim(control_plane, &mut take_overs)).await {
            Ok(Claimed::Task(claim)) => {
                let worker = worker.clone();
                tracker.spawn(async move {
                    if let Err(error) = worker.run(*claim).await {
                        failed("a task's outcome could not be recorded", &error);
                    }
                    drop(turn);
                });
            }
            Ok(Claimed::NothingFor(pause)) => {
                drop(turn);
                tokio::select! {
                    _ = wake_ups.next() => {}
                    () = sleep(pause) => {}
                    () = stop.cancelled() => {}
                }
            }
            Err(error) => {
                failed("no task could be claimed", &error);
                sleep(PAUSE).await;
            }
        }
    }
}

impl Worker {
    /// Executes a task and records how it went, and what it may go on with at once.
    async fn run(&self, claim: Claim) -> domain::Result<()> {
        let mut claim = Some(claim);
        while let Some(current) = claim {
            claim = tokio::select! {
                next = self.turn(current.clone()) => next?,
                () = self.keep(&current) => None,
            };
        }
        Ok(())
    }

    async fn turn(&self, claim: Claim) -> domain::Result<Option<Claim>> {
        let execution = self.control_plane.run_turn(&claim);
        let execution = self.cpu.measure(WorkerPart::Tasks, execution).await;
        let go_on = if self.stop.is_cancelled() { GoOn::Task } else { GoOn::Workflow };
        let record = self.control_plane.record(claim, execution, go_on);
        self.cpu.measure(WorkerPart::Books, record).await
    }

    /// Keeps a task this process's, however long it takes.
    async fn keep(&self, claim: &Claim) {
        loop {
            sleep(lease(&self.control_plane) / 3).await;
            if let Err(error) = self.control_plane.prolong(claim).await {
                failed("a lease could not be prolonged", &error);
            }
        }
    }
}

fn lease(control_plane: &ControlPlane) -> Duration {
    Duration::try_from(control_plane.task_lease()).unwrap_or_default()
}

enum Claimed {
    Task(Box<Claim>),
    NothingFor(Duration),
}

/// Looks before it claims, so that an idle process does not write.
async fn claim(
    control_plane: &ControlPlane,
    take_overs: &mut TakeOvers,
) -> domain::Result<Claimed> {
    let may_take_over = |now| take_overs.are_due(now, Instant::now());
    let due = control_plane.next_task_due().await?;
    if due.is_some_and(|due| due.is_zero())
        && let Some(claim) = control_plane.claim_task_if_steady(may_take_over).await?
    {
        return Ok(Claimed::Task(Box::new(claim)));
    }
    let pause = due.filter(|due| !due.is_zero()).and_then(|due| Duration::try_from(due).ok());
    Ok(Claimed::NothingFor(pause.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)))
}

/// Deletes what is past retention, now and then.
async fn forget(control_plane: Arc<ControlPlane>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = control_plane.forget_the_old().await {
            failed("what is past retention could not be deleted", &error);
        }
        pause(FORGET_EVERY, &stop).await;
    }
}

/// Lets nothing wait for a time that has been set back.
async fn bring_forward(control_plane: Arc<ControlPlane>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = control_plane.bring_tasks_forward().await {
            failed("what waits too long could not be brought forward", &error);
        }
        pause(BRING_FORWARD_EVERY, &stop).await;
    }
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = sleep(time) => {}
        () = stop.cancelled() => {}
    }
}

fn failed(what: &str, error: &domain::Error) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
