use jiff::SignedDuration;
use serde_json::Value;

use super::{Executor, Phase, WorkflowKind};
use crate::ids::TenantId;

/// What a planner makes of a request: the tasks with their dependencies, and what undoes them.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: WorkflowKind,
    pub tenant_id: TenantId,
    pub subject_id: String,
    pub tasks: Vec<NewTask>,
}

#[derive(Clone, Debug)]
pub struct NewTask {
    /// Unique in the plan.
    pub name: String,
    pub kind: &'static str,
    pub payload_version: i32,
    pub payload: Value,
    pub phase: Phase,
    /// Names of earlier tasks of the same phase.
    pub depends_on: Vec<String>,
    pub time_limit: Option<SignedDuration>,
    /// Stands in the plan for the reader, and never runs.
    pub skipped: bool,
}

impl NewTask {
    pub fn new<E: Executor>(name: impl Into<String>, step: &E) -> Self {
        Self {
            name: name.into(),
            kind: E::KIND,
            payload_version: E::VERSION,
            payload: serde_json::to_value(step).expect("a payload is plain data"),
            phase: Phase::Forward,
            depends_on: Vec::new(),
            time_limit: None,
            skipped: false,
        }
    }

    pub fn after<S: ToString>(self, depends_on: &[S]) -> Self {
        Self { depends_on: depends_on.iter().map(ToString::to_string).collect(), ..self }
    }

    pub fn within(self, time_limit: SignedDuration) -> Self {
        Self { time_limit: Some(time_limit), ..self }
    }

    pub fn skipped_if(self, skipped: bool) -> Self {
        Self { skipped, ..self }
    }

    /// Runs only when the workflow is undone, without a time limit.
    pub fn as_compensation(self) -> Self {
        Self { phase: Phase::Compensation, time_limit: None, ..self }
    }
}
