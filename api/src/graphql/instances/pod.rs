use async_graphql::Object;
use domain::runtime;

use crate::graphql::scalars::{DateTime, time};

pub struct Pod(pub runtime::Pod);

/// A pod as the cluster showed it.
#[Object]
impl Pod {
    /// Kubernetes' own id of the pod.
    async fn uid(&self) -> &str {
        &self.0.uid
    }
    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// Its namespace.
    async fn namespace(&self) -> &str {
        &self.0.namespace
    }
    /// Pending, Running, Succeeded, Failed or Unknown.
    async fn phase(&self) -> &str {
        &self.0.phase
    }
    /// Whether it takes traffic.
    async fn ready(&self) -> bool {
        self.0.ready
    }
    /// How often its container was started again.
    async fn restarts(&self) -> i32 {
        self.0.restarts
    }
    /// The node that it runs on.
    async fn node(&self) -> Option<&str> {
        self.0.node.as_deref()
    }
    /// Its address within the cluster.
    async fn ip(&self) -> Option<&str> {
        self.0.ip.as_deref()
    }
    /// Why it does not run well, such as `CrashLoopBackOff`.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }
    /// The reason in a sentence.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }
    /// When the node took it up.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }
}
