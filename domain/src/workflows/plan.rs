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
    pub name: &'static str,
    pub kind: &'static str,
    pub payload_version: i32,
    pub payload: Value,
    pub phase: Phase,
    /// Names of earlier tasks of the same phase.
    pub depends_on: &'static [&'static str],
    pub time_limit: Option<SignedDuration>,
}

impl NewTask {
    pub fn new<E: Executor>(name: &'static str, step: &E) -> Self {
        Self {
            name,
            kind: E::KIND,
            payload_version: E::VERSION,
            payload: serde_json::to_value(step).expect("a payload is plain data"),
            phase: Phase::Forward,
            depends_on: &[],
            time_limit: None,
        }
    }

    pub fn after(self, depends_on: &'static [&'static str]) -> Self {
        Self { depends_on, ..self }
    }

    pub fn within(self, time_limit: SignedDuration) -> Self {
        Self { time_limit: Some(time_limit), ..self }
    }

    /// Runs only when the workflow fails or is cancelled, without a time limit.
    pub fn as_compensation(self) -> Self {
        Self { phase: Phase::Compensation, time_limit: None, ..self }
    }
}
