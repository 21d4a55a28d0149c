use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Claim, Task, TaskAttempt, TaskFilter, Workflow, WorkflowFilter};
use crate::{
    error::Result,
    ids::{TaskId, WorkflowId},
    page::{Page, PageRequest},
};

#[async_trait]
pub trait WorkflowReads {
    async fn workflows_by_id(&mut self, ids: &[WorkflowId]) -> Result<Vec<Workflow>>;
    async fn workflows(
        &mut self,
        filter: &WorkflowFilter,
        page: &PageRequest,
    ) -> Result<Page<Workflow>>;
    /// One page for each subject, in the order of `subjects`.
    async fn workflows_of_subjects(
        &mut self,
        subjects: &[String],
        page: &PageRequest,
    ) -> Result<Vec<Page<Workflow>>>;
    /// The live workflows of these groups of lanes, each group in its order.
    async fn live_workflows(&mut self, groups: &[String]) -> Result<Vec<Workflow>>;
    /// What the running tasks of these subjects' workflows wait for or have failed with last.
    async fn troubles_of_subjects(&mut self, subjects: &[String]) -> Result<Vec<(String, String)>>;
    async fn tasks_by_id(&mut self, ids: &[TaskId]) -> Result<Vec<Task>>;
    async fn tasks(&mut self, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>>;
    /// All tasks of these workflows, each in its plan's order.
    async fn tasks_of_workflows(&mut self, workflows: &[WorkflowId]) -> Result<Vec<Task>>;
    async fn attempts_of_tasks(&mut self, tasks: &[TaskId]) -> Result<Vec<TaskAttempt>>;
    /// What the logs hold from byte `from` of each (task, attempt), at most about `limit` bytes
    /// of each, in order.
    async fn log_lines(
        &mut self,
        of: &[(TaskId, i32)],
        from: i64,
        limit: i64,
    ) -> Result<Vec<LogLine>>;
    /// When the next task falls due, if any is waiting.
    async fn next_ready(&mut self) -> Result<Option<Timestamp>>;
    /// When the last of all tasks falls due that is waiting, or its lease ends.
    async fn furthest_ready(&mut self) -> Result<Option<Timestamp>>;
    /// The tasks that are under way, as of `now`.
    async fn task_queue(&mut self, now: Timestamp) -> Result<TaskQueue>;
}

/// How many tasks stand where, of those that may run or do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQueue {
    /// Could be claimed now.
    pub due: i64,
    /// Belong to a worker.
    pub leased: i64,
    /// Fall due later.
    pub waiting: i64,
    /// How long the one has been due that has been due longest.
    pub longest_due: SignedDuration,
}

/// A piece of a task's log as it was appended.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    pub task_id: TaskId,
    pub attempt: i32,
    /// Of its first byte in the attempt's log.
    pub offset: i64,
    pub text: String,
}

#[async_trait]
pub trait WorkflowWrites {
    async fn insert_workflow(&mut self, workflow: &Workflow) -> Result<()>;
    async fn update_workflow(&mut self, workflow: &Workflow) -> Result<()>;
    /// Notes why it shall stop, and keeps workers from it until the end of the transaction.
    async fn cancel_workflow(&mut self, id: WorkflowId, reason: &str) -> Result<()>;
    async fn next_lane_number(&mut self, group: &str) -> Result<i64>;
    async fn insert_tasks(&mut self, tasks: &[Task]) -> Result<()>;

    /// Writes the task where its fence is still the one it carries, and counts that up; else
    /// `Conflict`.
    async fn update_task(&mut self, task: &Task) -> Result<()>;

    /// Finds the task that has been due longest, of a running workflow first, else of a pending
    /// one that the caps leave room for, and holds other workers off it until the end. Kinds that
    /// are not known, or newer than the version known, are left.
    async fn due_task(&mut self, terms: &ClaimTerms) -> Result<Option<Claim>>;

    /// Gives a claimed task back until `due`; `false` where it has another fence by now, has been
    /// woken since, or is to be cancelled.
    async fn give_back(&mut self, task: &Task, due: Timestamp) -> Result<bool>;

    /// Lets the lease of a claimed task last for `lease` from now on; `false` where the task has
    /// another fence by now.
    async fn prolong_task(&mut self, id: TaskId, fence: i64, lease: SignedDuration)
    -> Result<bool>;

    /// Lets no task fall due, and no lease end, later than then.
    async fn bring_forward(&mut self, latest: Timestamp) -> Result<()>;

    /// Makes the waiting tasks of a subject due now; whether there are any that have begun.
    async fn wake_tasks(&mut self, subject: &str) -> Result<bool>;

    /// A later save of the same attempt keeps when it started.
    async fn save_attempt(&mut self, attempt: &TaskAttempt) -> Result<()>;
    /// Answers with the log's length in bytes.
    async fn append_log(&mut self, task: TaskId, attempt: i32, text: &str) -> Result<i64>;
}

/// What a worker claims, and how.
pub struct ClaimTerms {
    /// The kinds of task that it can run, each with the newest version that it knows.
    pub known: Vec<(&'static str, i32)>,
    /// How many workflows may run for another one to begin; `None` where none may begin now.
    pub begin: Option<WorkflowCaps>,
    /// Whether a task whose lease is over is taken from its worker.
    pub take_over: bool,
}

/// How many workflows run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkflowCaps {
    pub all: i64,
    /// Of one tenant: what it has more waits, and the other tenants' need not.
    pub tenant: i64,
}

impl Default for WorkflowCaps {
    fn default() -> Self {
        Self { all: 64, tenant: 32 }
    }
}
