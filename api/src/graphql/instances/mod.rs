mod inputs;
mod instance;
mod log;
mod mutation;
mod pod;
mod pod_log;
mod query;
mod runtime;
mod subscription;

pub use inputs::InstanceFilter;
pub use instance::Instance;
pub use log::InstanceLog;
pub use mutation::InstanceMutation;
pub use pod::Pod;
pub use query::InstanceQuery;
pub use subscription::InstanceSubscription;
