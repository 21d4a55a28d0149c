mod inputs;
mod mutation;
mod query;
mod subscription;
mod task;
mod task_log;
mod workflow;

pub use mutation::WorkflowMutation;
pub use query::WorkflowQuery;
pub use subscription::WorkflowSubscription;
pub use task::Task;
pub use workflow::Workflow;
