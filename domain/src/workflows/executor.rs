use std::{future::Future, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Task, Workflow};
use crate::{
    clusters::{DevProvider, SearchRuntime},
    delivery::Sites,
    error::Result,
    runtime::Runtime,
    secrets::Vault,
};

/// What an executor may touch: the outside, never the store. A step makes one outside call that
/// changes something at most, and may run again after a crash.
pub struct Outside {
    pub runtime: Arc<dyn Runtime>,
    pub search: Arc<dyn SearchRuntime>,
    pub dev: Arc<dyn DevProvider>,
    pub sites: Arc<dyn Sites>,
    pub vault: Arc<dyn Vault>,
    pub turn: Turn,
}

/// What an executor knows of the task beyond its payload.
#[derive(Clone, Debug)]
pub struct Turn {
    /// By the store's clock.
    pub now: Timestamp,
    pub attempt: i32,
    /// What it left for itself by [`Outcome::Resume`], if it did since the task was begun or tried
    /// again by somebody.
    pub memo: Option<Value>,
}

impl Turn {
    pub fn recall<T: DeserializeOwned>(&self) -> Option<T> {
        self.memo.clone().and_then(|memo| serde_json::from_value(memo).ok())
    }
}

impl Outcome {
    /// How long the task goes on waiting, where nothing of it is to be told or kept.
    pub(super) fn waits_as_before(&self, task: &Task) -> Option<SignedDuration> {
        let (memo, after, reason) = match self {
            Self::Wait { at_most, reason } => (None, *at_most, reason),
            Self::Resume { memo, after, reason } => (Some(memo), *after, reason),
            Self::Done(_) | Self::Fail { .. } => return None,
        };
        let known = memo.is_none_or(|memo| task.memo.as_ref() == Some(memo));
        (known && task.wait_reason.as_ref() == Some(reason)).then_some(after)
    }
}

/// A kind of step. The value is the task's payload.
pub trait Executor: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The task's type, as clients see it.
    const KIND: &'static str;
    /// Changes with the payload's shape.
    const VERSION: i32 = 1;

    fn run(
        &self,
        outside: &Outside,
        log: &mut TaskLog,
    ) -> impl Future<Output = Result<Outcome>> + Send;
}

/// How an execution went. An `Err` is tried again where it is retryable, else it fails the task.
#[derive(Debug)]
pub enum Outcome {
    Done(Value),
    /// Look again after this long, or sooner when the watch sees the subject change.
    Wait {
        at_most: SignedDuration,
        reason: String,
    },
    /// Go on after this long with `memo` in hand, which outlives a crash: what is found out once
    /// is stored before anything is done that depends on it.
    Resume {
        memo: Value,
        after: SignedDuration,
        reason: String,
    },
    Fail {
        reason: String,
    },
}

/// A task in the hands of one worker.
#[derive(Clone, Debug)]
pub struct Claim {
    /// With the fence that every write about it must carry.
    pub task: Task,
    pub workflow: Workflow,
    /// Whether the lease of another worker had run out.
    pub taken_over: bool,
    /// When, by the store's clock.
    pub at: Timestamp,
}

/// Lines that an execution leaves in its task's log; stored with its outcome.
#[derive(Debug, Default)]
pub struct TaskLog(Vec<String>);

impl TaskLog {
    pub fn line(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }

    /// All lines, each ended by a line break.
    pub fn into_text(self) -> String {
        self.0.into_iter().map(|line| line + "\n").collect()
    }
}
