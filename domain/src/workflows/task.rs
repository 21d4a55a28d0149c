use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ids::{TaskId, TenantId, WorkflowId},
    page::{PageKey, SortField},
    secrets::redacted,
};

/// One step of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub id: TaskId,
    pub workflow_id: WorkflowId,
    pub tenant_id: TenantId,
    /// Its place in the plan.
    pub ordinal: i32,
    pub name: String,
    /// The kind of step, which names its executor.
    pub kind: String,
    /// The version of the payload's shape.
    pub payload_version: i32,
    pub phase: Phase,
    pub status: TaskStatus,
    pub depends_on: Vec<TaskId>,
    #[serde(serialize_with = "redacted")]
    pub payload: Value,
    pub result: Option<Value>,
    pub error: Option<String>,
    /// Why it waits, while it waits.
    pub wait_reason: Option<String>,
    /// What its executor goes on from.
    #[serde(skip)]
    pub memo: Option<Value>,
    /// 0 before the first start, then from 1.
    pub attempt: i32,
    /// How long it may take from its first start; `None` for ever.
    pub time_limit: Option<SignedDuration>,
    pub deadline: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// What the engine alone looks at.
    #[serde(skip)]
    pub claim: ClaimState,
}

/// The part of a task's row that claims are made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimState {
    /// Grows with each claim; a write that carries an older one matches no row.
    pub fence: i64,
    /// When it may be claimed; `None` while it may not. For a claimed task, when its lease ends.
    pub ready_at: Option<Timestamp>,
    pub leased: bool,
    /// Counts the wake-ups, so that one during an execution is not lost.
    pub wakes: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    Forward,
    /// Runs only where the workflow failed or was cancelled.
    Compensation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TaskStatus {
    Pending,
    Running,
    Success,
    Failed,
    Canceled,
    Skipped,
}

/// One try of a task. An old one is kept when the task is tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskAttempt {
    pub task_id: TaskId,
    pub number: i32,
    pub status: TaskStatus,
    pub result: Option<Value>,
    pub error: Option<String>,
    pub started_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct TaskFilter {
    pub status: Option<Vec<TaskStatus>>,
    pub kind: Option<String>,
    pub workflow_id: Option<WorkflowId>,
    /// Of the workflows for this subject.
    pub subject_id: Option<String>,
    pub tenant_id: Option<TenantId>,
    pub visible: Option<Vec<TenantId>>,
}

impl TaskStatus {
    pub const ALL: &[Self] =
        &[Self::Pending, Self::Running, Self::Success, Self::Failed, Self::Canceled, Self::Skipped];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Canceled => "CANCELED",
            Self::Skipped => "SKIPPED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    pub fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forward => "FORWARD",
            Self::Compensation => "COMPENSATION",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Forward, Self::Compensation].into_iter().find(|phase| phase.as_str() == text)
    }
}

impl Task {
    /// Without a limit it is tried until it is done: what removes things must not give up.
    pub fn is_endless(&self) -> bool {
        self.time_limit.is_none()
    }

    /// Whether it failed because its time was up.
    pub fn timed_out(&self) -> bool {
        let late = |at: Timestamp| self.deadline.is_some_and(|deadline| deadline <= at);
        self.status == TaskStatus::Failed && self.completed_at.is_some_and(late)
    }

    /// Where it stands in a list that is ordered so.
    pub fn page_key(&self, by: SortField) -> PageKey {
        let value = match by {
            SortField::UpdatedAt => self.updated_at.into(),
            _ => self.created_at.into(),
        };
        PageKey::of(by, value, self.id)
    }

    /// Begins to try it, for the first time or again.
    pub(super) fn begin_attempt(&mut self, now: Timestamp) {
        self.status = TaskStatus::Running;
        self.attempt += 1;
        self.error = None;
        self.started_at = self.started_at.or(Some(now));
        let limit = || self.time_limit.and_then(|limit| now.checked_add(limit).ok());
        self.deadline = self.deadline.or_else(limit);
        self.updated_at = now;
    }

    /// Ends it in `status`; it cannot be claimed any more and its lease, if any, is void.
    pub fn end(&mut self, status: TaskStatus, now: Timestamp) {
        self.status = status;
        self.wait_reason = None;
        self.completed_at = Some(now);
        self.updated_at = now;
        self.claim.ready_at = None;
        self.claim.leased = false;
    }

    /// Makes it as if it had not begun, but for the count of its attempts.
    pub fn reset(&mut self, now: Timestamp) {
        self.status = TaskStatus::Pending;
        self.result = None;
        self.error = None;
        self.memo = None;
        self.started_at = None;
        self.completed_at = None;
        self.deadline = None;
        self.updated_at = now;
        self.claim.ready_at = None;
        self.claim.leased = false;
    }

    /// The attempt that it is in, as of now: an error ends it even where the task goes on.
    pub fn this_attempt(&self, now: Timestamp) -> TaskAttempt {
        let failed = self.status == TaskStatus::Running && self.error.is_some();
        let status = if failed { TaskStatus::Failed } else { self.status };
        TaskAttempt {
            task_id: self.id,
            number: self.attempt,
            status,
            result: self.result.clone(),
            error: self.error.clone(),
            started_at: now,
            completed_at: (!status.is_live()).then_some(now),
        }
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.claim.ready_at.is_some_and(|at| at <= now)
    }

    /// Makes it a worker's for as long as the lease lasts.
    pub(super) fn hold(&mut self, now: Timestamp, lease: SignedDuration) {
        self.claim.ready_at = now.checked_add(lease).ok();
        self.claim.leased = true;
    }

    /// Makes it claimable from `at` on.
    pub fn release(&mut self, at: Timestamp, now: Timestamp) {
        self.claim.ready_at = Some(at);
        self.claim.leased = false;
        self.updated_at = now;
    }
}
