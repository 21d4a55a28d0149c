mod application;
mod deployment;
mod environment;
mod inputs;
mod mutation;
mod query;
mod subscription;
mod version;

pub use application::Application;
pub use deployment::Deployment;
pub use environment::Environment;
pub use mutation::DeliveryMutation;
pub use query::DeliveryQuery;
pub use subscription::DeliverySubscription;
pub use version::Version;
