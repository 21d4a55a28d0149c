//! The Kubernetes adapter: what the domain asks of a cluster, said in server-side applies, deletes,
//! reads and one watch, and what the cluster answers, said in the domain's words. Kubernetes types
//! go no further than this crate, except for the client that it is given. It decides nothing and
//! tries nothing twice but the watch: when to call again is the workflow engine's to say.

use async_trait::async_trait;
use domain::{
    error::Result,
    runtime::{Observation, Part, Place, Rollout, Runtime, Target, Workload},
    secrets::SecretValues,
};
use futures::stream::BoxStream;
use kube::Client;
use tracing::instrument;

mod apply;
pub mod connect;
mod error;
mod find;
mod kubeconfig;
mod labels;
mod limit;
mod manifest;
mod observe;
mod reason;
mod remove;
mod rollout;
mod watch;

pub use kubeconfig::Kubeconfig;

/// One cluster. Any `kube::Client` will do, one over a simulated API server included.
pub struct KubernetesRuntime {
    client: Client,
    target: Target,
}

impl KubernetesRuntime {
    pub fn new(client: Client, target: Target) -> Self {
        Self { client, target }
    }
}

#[async_trait]
impl Runtime for KubernetesRuntime {
    fn target(&self) -> Target {
        self.target.clone()
    }

    #[instrument(skip_all, fields(instance.id = %workload.place.instance_id, ?part))]
    async fn apply(&self, workload: &Workload, part: Part) -> Result<()> {
        apply::apply(&self.client, workload, part).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(instance.id = %workload.place.instance_id))]
    async fn apply_secret(&self, workload: &Workload, values: &SecretValues) -> Result<()> {
        apply::apply_secret(&self.client, workload, values).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(instance.id = %place.instance_id))]
    async fn remove_secret(&self, place: &Place) -> Result<()> {
        remove::remove_secret(&self.client, place).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(instance.id = %place.instance_id))]
    async fn rollout(&self, place: &Place) -> Result<Option<Rollout>> {
        rollout::rollout(&self.client, place).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(instance.id = %place.instance_id))]
    async fn remove(&self, place: &Place) -> Result<()> {
        remove::remove(&self.client, place).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(instance.id = %place.instance_id))]
    async fn remains(&self, place: &Place) -> Result<Vec<String>> {
        remove::remains(&self.client, place).await.map_err(error::cluster)
    }

    fn watch(&self) -> BoxStream<'static, Observation> {
        watch::watch(self.client.clone(), self.target.name.clone())
    }
}
