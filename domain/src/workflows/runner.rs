//! How a task is run: claim, execute, record. Claiming and recording are transactions, executing
//! is not. A worker that dies in between loses its lease, and another one goes on: what it had
//! done outside is done again, which changes nothing. A worker that only seemed dead comes back
//! with an old fence, and its record matches no row.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    Claim, ClaimTerms, Outcome, Outside, Phase, Task, TaskLog, TaskQueue, TaskStatus, Turn,
    Workflow, WorkflowStatus, registry,
};
use crate::{
    control_plane::ControlPlane,
    error::{Error, Result},
    events::{EventType, NewEvent, Subject},
    ids::WorkflowId,
    work::Work,
};

/// After so many attempts a task is poison and fails, whatever it says.
const MOST_ATTEMPTS: i32 = 20;
/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// How often recording is tried again when another transaction got in between.
const RECORD_TRIES: usize = 8;

/// What came of executing a task once.
#[derive(Debug)]
pub struct Execution {
    outcome: Result<Outcome>,
    /// What it left for its task's log.
    log: String,
}

/// What a worker goes on with, once a turn has been recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// The task itself, where it is due again at once.
    Task,
    /// Also the one that follows in its workflow, where no other has been due longer.
    Workflow,
}

impl ControlPlane {
    /// Runs the task that has been due longest; `false` where none is due.
    pub async fn run_next_task(&self) -> Result<bool> {
        let Some(claim) = self.claim_task().await? else {
            return Ok(false);
        };
        self.run_claimed(claim).await?;
        Ok(true)
    }

    /// Takes a task to run: from here on it is this worker's until its lease runs out. A lease
    /// that has run out is believed.
    pub async fn claim_task(&self) -> Result<Option<Claim>> {
        self.claim_task_if_steady(|_| true).await
    }

    /// Like [`ControlPlane::claim_task`]; whether a lease that has run out is believed is asked
    /// with the store's time.
    pub async fn claim_task_if_steady(
        &self,
        may_take_over: impl FnOnce(Timestamp) -> bool,
    ) -> Result<Option<Claim>> {
        self.maintain(None, async move |work| {
            let terms = ClaimTerms {
                known: registry::known(),
                begin: Some(self.settings.workflow_caps),
                take_over: may_take_over(work.now()),
            };
            let Some(claim) = work.tx.due_task(&terms).await? else {
                return Ok(None);
            };
            work.claim(claim, self.settings.task_lease).await.map(Some)
        })
        .await
    }

    /// Executes a claimed task and records how it went, for as long as it goes on at once.
    pub async fn run_claimed(&self, claim: Claim) -> Result<()> {
        let mut claim = Some(claim);
        while let Some(current) = claim {
            let execution = self.run_turn(&current).await;
            claim = self.record(current, execution, GoOn::Task).await?;
        }
        Ok(())
    }

    /// Does what a claimed task is there for; give what came of it to [`ControlPlane::record`].
    #[tracing::instrument(
        name = "task",
        skip_all,
        fields(
            task.id = %claim.task.id,
            task.kind = claim.task.kind,
            task.attempt = claim.task.attempt,
            workflow.id = %claim.workflow.id,
        )
    )]
    pub async fn run_turn(&self, claim: &Claim) -> Execution {
        let mut log = TaskLog::default();
        let outcome = match verdict(claim) {
            Some(verdict) => Ok(verdict),
            None => self.execute_task(claim, &mut log).await,
        };
        if let Err(error) = &outcome {
            tracing::warn!(error = error as &dyn std::error::Error, "a task did not succeed");
        }
        Execution { outcome, log: log.into_text() }
    }

    /// Records how a claimed task went, and claims in the same transaction what its worker goes on
    /// with.
    pub async fn record(
        &self,
        claim: Claim,
        execution: Execution,
        go_on: GoOn,
    ) -> Result<Option<Claim>> {
        if let Some(pause) = execution.waits_as_before(&claim.task)
            && self.give_back(&claim, pause).await?
        {
            return Ok(None);
        }
        for _ in 1..RECORD_TRIES {
            match self.store(&claim, &execution, go_on).await {
                Err(Error::Conflict(_)) => {}
                recorded => return recorded,
            }
        }
        self.store(&claim, &execution, go_on).await
    }

    /// How long until the next task falls due; zero where one is due, `None` where none waits.
    pub async fn next_task_due(&self) -> Result<Option<SignedDuration>> {
        let Some(due) = self.reader().await?.next_ready().await? else { return Ok(None) };
        let now = self.ports.store.now().await?;
        Ok(Some(due.duration_since(now).max(SignedDuration::ZERO)))
    }

    /// The tasks that are under way.
    pub async fn task_queue(&self) -> Result<TaskQueue> {
        let now = self.ports.store.now().await?;
        self.reader().await?.task_queue(now).await
    }

    async fn execute_task(&self, claim: &Claim, log: &mut TaskLog) -> Result<Outcome> {
        let Claim { task, at, .. } = claim;
        let outside = Outside {
            runtime: self.ports.runtime.clone(),
            search: self.ports.search.clone(),
            dev: self.ports.dev.clone(),
            sites: self.ports.sites.clone(),
            vault: self.ports.vault.clone(),
            turn: Turn { now: *at, attempt: task.attempt, memo: task.memo.clone() },
        };
        registry::execute(&claim.task.kind, claim.task.payload.clone(), &outside, log).await
    }

    /// Nobody is told of a task that goes on waiting as it did. `false` where something has come
    /// in between.
    async fn give_back(&self, claim: &Claim, pause: SignedDuration) -> Result<bool> {
        let mut tx = self.ports.store.write().await?;
        tx.lock(&claim.workflow.lanes.group).await?;
        let due = due(&claim.task, tx.now(), pause);
        let given = tx.give_back(&claim.task, due).await?;
        tx.commit().await?;
        Ok(given)
    }

    async fn store(
        &self,
        claim: &Claim,
        execution: &Execution,
        go_on: GoOn,
    ) -> Result<Option<Claim>> {
        let Execution { outcome, log } = execution;
        let cause = Some(claim.workflow.id.to_string());
        self.maintain(cause, async |work| {
            work.tx.lock(&claim.workflow.lanes.group).await?;
            let workflow = work.tx.workflows_by_id(&[claim.workflow.id]).await?.pop();
            let Some(workflow) = workflow else {
                return Ok(None);
            };
            let before = work.tx.tasks_of_workflows(&[workflow.id]).await?;
            let mut tasks = before.clone();
            let mine = tasks.iter_mut().find(|task| {
                task.id == claim.task.id && task.claim.fence == claim.task.claim.fence
            });
            let Some(task) = mine else {
                tracing::warn!(task.id = %claim.task.id, "another worker has taken the task over");
                return Ok(None);
            };
            let canceling = workflow.cancel_reason.is_some() && task.phase == Phase::Forward;
            let woken = task.claim.wakes != claim.task.claim.wakes;
            let waited_for = task.wait_reason.clone();
            apply(task, outcome, work.now(), woken, canceling);
            let lease = self.settings.task_lease;
            let mut next = None;
            if task.is_due(work.now()) {
                task.hold(work.now(), lease);
                task.wait_reason = waited_for;
                next = Some(Claim::again(task, &workflow, work.now()));
            }
            let (id, done) = (task.id, task.status == TaskStatus::Success);
            if !log.is_empty() {
                work.log(task, log).await?;
            }
            if done {
                registry::achieve(work, &workflow, id, &mut tasks).await?;
            }
            work.advance_with(workflow, &before, tasks).await?;
            if next.is_none() && go_on == GoOn::Workflow {
                next = work.follow(claim.workflow.id, lease).await?;
            }
            Ok(Some(next))
        })
        .await
        .map(Option::flatten)
    }
}

impl Claim {
    /// Of a task that its worker goes on with.
    fn again(held: &Task, workflow: &Workflow, at: Timestamp) -> Self {
        let mut task = held.clone();
        task.claim.fence += 1;
        Self { task, workflow: workflow.clone(), taken_over: false, at }
    }
}

impl Execution {
    /// How long the task goes on waiting, where there is nothing to be told or kept.
    fn waits_as_before(&self, task: &Task) -> Option<SignedDuration> {
        let outcome = self.outcome.as_ref().ok().filter(|_| self.log.is_empty());
        outcome.and_then(|outcome| outcome.waits_as_before(task))
    }
}

impl Work {
    /// Appends to the log of a task's attempt, and tells those who follow it.
    async fn log(&mut self, task: &Task, text: &str) -> Result<()> {
        let next_offset = self.tx.append_log(task.id, task.attempt, text).await?;
        self.tell(NewEvent {
            event_type: EventType::TaskLogged,
            subject: Subject {
                id: task.id.to_string(),
                parent_id: Some(task.workflow_id.to_string()),
            },
            tenant_id: Some(task.tenant_id),
            previous: None,
            data: json!({ "attempt": task.attempt, "nextOffset": next_offset }),
        });
        Ok(())
    }

    /// Claims the next task of a workflow, unless one of another has been due longer.
    async fn follow(&mut self, id: WorkflowId, lease: SignedDuration) -> Result<Option<Claim>> {
        let terms = ClaimTerms { known: registry::known(), begin: None, take_over: false };
        match self.tx.due_task(&terms).await? {
            Some(due) if due.workflow.id == id => self.claim(due, lease).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Makes a due task this worker's, and notes the start of an attempt, and of the workflow with
    /// its first one.
    async fn claim(&mut self, mut claim: Claim, lease: SignedDuration) -> Result<Claim> {
        let now = self.now();
        if claim.workflow.status == WorkflowStatus::Pending {
            claim.workflow.status = WorkflowStatus::Running;
            claim.workflow.started_at = Some(now);
            self.tx.update_workflow(&claim.workflow).await?;
            self.tell_workflow(&claim.workflow, Some(WorkflowStatus::Pending))?;
            registry::begin(self, &claim.workflow).await?;
        }
        let task = &mut claim.task;
        let previous = task.status;
        if claim.taken_over {
            task.error = Some("its worker was lost".to_owned());
            self.tx.save_attempt(&task.this_attempt(now)).await?;
        }
        let begins = previous == TaskStatus::Pending || task.error.is_some();
        if begins {
            task.begin_attempt(now);
        }
        task.hold(now, lease);
        self.tx.update_task(task).await?;
        task.claim.fence += 1;
        if begins {
            self.tx.save_attempt(&task.this_attempt(now)).await?;
            self.tell_task(task, &claim.workflow, Some(previous))?;
        }
        Ok(claim)
    }
}

/// What is clear without executing: cancelled meanwhile, too late, or poison.
fn verdict(claim: &Claim) -> Option<Outcome> {
    let task = &claim.task;
    let fail = |reason: String| Some(Outcome::Fail { reason });
    if task.is_endless() {
        return None;
    }
    if claim.workflow.cancel_reason.is_some() {
        return fail("cancelled".to_owned());
    }
    if task.deadline.is_some_and(|deadline| deadline <= claim.at) {
        let limit = task.time_limit.unwrap_or_default();
        let waiting = task.wait_reason.as_deref().unwrap_or("it did not come to an end");
        return fail(format!("deadline of {limit:#} passed: {waiting}"));
    }
    if task.attempt > MOST_ATTEMPTS {
        return fail(format!("given up after {MOST_ATTEMPTS} attempts"));
    }
    None
}

/// Writes an outcome into its task.
fn apply(task: &mut Task, outcome: &Result<Outcome>, now: Timestamp, woken: bool, canceling: bool) {
    if canceling {
        task.error = None;
        return task.end(TaskStatus::Canceled, now);
    }
    let endless = task.is_endless();
    match outcome {
        Ok(Outcome::Done(result)) => {
            task.result = Some(result.clone());
            task.error = None;
            task.end(TaskStatus::Success, now);
        }
        Ok(Outcome::Wait { at_most, reason }) => {
            task.wait_reason = Some(reason.clone());
            let at_most = if woken { SignedDuration::ZERO } else { *at_most };
            task.release(due(task, now, at_most), now);
        }
        Ok(Outcome::Resume { memo, after, reason }) => {
            task.memo = Some(memo.clone());
            task.wait_reason = Some(reason.clone());
            let after = if woken { SignedDuration::ZERO } else { *after };
            task.release(due(task, now, after), now);
        }
        Ok(Outcome::Fail { reason }) if !endless => {
            task.error = Some(reason.clone());
            task.end(TaskStatus::Failed, now);
        }
        Err(error) if !endless && !error.retryable() => {
            task.error = Some(error.to_string());
            task.end(TaskStatus::Failed, now);
        }
        again => {
            let error = match again {
                Ok(Outcome::Fail { reason }) => reason.clone(),
                Err(error) => error.to_string(),
                Ok(_) => String::new(),
            };
            task.wait_reason = Some(format!("trying again: {error}"));
            task.error = Some(error);
            task.release(due(task, now, pause(task.attempt)), now);
        }
    }
}

/// Doubles from half a second, with a spread that differs from attempt to attempt.
fn pause(attempt: i32) -> SignedDuration {
    let doublings = u32::try_from(attempt.clamp(1, 7) - 1).unwrap_or(0);
    let whole = (SignedDuration::from_millis(500) * 2_i32.pow(doublings)).min(LONGEST_PAUSE);
    whole - whole * (attempt * 37 % 100) / 400
}

/// After `pause`, but not past the deadline.
fn due(task: &Task, now: Timestamp, pause: SignedDuration) -> Timestamp {
    let at = now.checked_add(pause).unwrap_or(now);
    task.deadline.map_or(at, |deadline| at.min(deadline))
}
