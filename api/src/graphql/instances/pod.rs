use async_graphql::{Context, Object};
use domain::runtime;

use crate::graphql::{
    context::Ctx,
    error::Result,
    scalars::{DateTime, time},
};

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
    /// How its container ended last, such as `OOMKilled`.
    async fn last_termination(&self) -> Option<&str> {
        self.0.last_termination.as_deref()
    }
    /// With which exit code its container ended last.
    async fn last_exit_code(&self) -> Option<i32> {
        self.0.last_exit_code
    }
    /// Which revision of the instance's Deployment it is of; the highest is the latest. Null where
    /// that has not been seen, and for the pods of clusters.
    async fn revision(&self) -> Option<i32> {
        self.0.revision
    }
    /// The end of its log, at most 64 KiB, read from the cluster now; null where it has none.
    async fn log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many lines at most: 1 to 1000.", default = 100)] tail: i32,
    ) -> Result<Option<String>> {
        Ok(ctx.control_plane().pod_log(&self.0, tail.into()).await?)
    }
    /// When the node took it up.
    async fn started_at(&self) -> Option<DateTime> {
        time(self.0.started_at)
    }
}
