mod cluster;
mod dev;
mod import;
mod inputs;
mod mutation;
mod query;
mod search;
mod subscription;

pub use cluster::{Cluster, ClusterAsNode};
pub use dev::DevCluster;
pub use mutation::ClusterMutation;
pub use query::ClusterQuery;
pub use search::SearchCluster;
pub use subscription::ClusterSubscription;
