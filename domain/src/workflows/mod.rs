mod commands;
mod dag;
mod executor;
mod lease;
mod plan;
mod registry;
mod runner;
mod service;
mod store;
mod task;
mod workflow;

pub use executor::{Claim, Executor, Outcome, Outside, TaskLog, Turn};
pub use plan::{NewTask, Plan};
pub use service::Lane;
pub use store::{LogLine, TaskQueue, WorkflowCaps, WorkflowReads, WorkflowWrites};
pub use task::{ClaimState, Phase, Task, TaskAttempt, TaskFilter, TaskStatus};
pub use workflow::{Ending, Lanes, Workflow, WorkflowFilter, WorkflowKind, WorkflowStatus};
