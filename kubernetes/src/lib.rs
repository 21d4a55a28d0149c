//! The Kubernetes adapter: what the domain asks of a cluster, said in server-side applies, deletes,
//! reads and one watch, and what the cluster answers, said in the domain's words. Kubernetes types
//! go no further than this crate, except for the client that it is given. It decides nothing: a
//! call that does not succeed in a few tries is the workflow engine's to make again.

use async_trait::async_trait;
use domain::{
    clusters::{ClusterPlace, SearchPart, SearchRuntime, SearchWorkload},
    error::{Error, Result},
    runtime::{
        LogPosition, Observation, Part, Place, PodLogLine, PodName, Rollout, Runtime, Target,
        Workload,
    },
    secrets::SecretValues,
};
use futures::{StreamExt, stream::BoxStream};
use kube::Client;
use tracing::instrument;

mod apply;
pub mod connect;
mod conventions;
mod delivery;
mod drift;
mod error;
mod evidence;
mod find;
mod kubeconfig;
mod labels;
mod limit;
mod log;
mod manifest;
mod observe;
mod reason;
mod remove;
mod retry;
mod rollout;
mod search;
mod watch;

pub use conventions::{Conventions, GpuType, PodSecurity, Tls};
pub use delivery::{KubernetesSites, SiteSettings};
pub use kubeconfig::Kubeconfig;

/// One cluster. Any `kube::Client` will do, one over a simulated API server included.
pub struct KubernetesRuntime {
    /// For single calls.
    client: Client,
    /// For streams, which are begun anew instead of tried again, and the lists before them.
    streams: Client,
    target: Target,
    conventions: Conventions,
}

impl KubernetesRuntime {
    pub fn new(client: Client, target: Target) -> Self {
        let conventions = Conventions::default();
        Self {
            client: retry::patient(&client),
            streams: limit::for_watches(client),
            target,
            conventions,
        }
    }

    /// The same cluster, by its own conventions.
    pub fn with(self, conventions: Conventions) -> Self {
        Self { conventions, ..self }
    }

    fn check(&self, workload: &Workload) -> Result<()> {
        match &workload.spec.gpu {
            Some(gpu) if self.conventions.gpu(gpu.kind).is_none() => {
                let message = format!("the cluster has no GPU of type {}", gpu.kind);
                Err(Error::invalid("spec.gpu.type", message))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Runtime for KubernetesRuntime {
    fn target(&self) -> Target {
        self.target.clone()
    }

    #[instrument(skip_all, fields(instance.id = %workload.place.instance_id, ?part))]
    async fn apply(&self, workload: &Workload, part: Part) -> Result<()> {
        self.check(workload)?;
        let applied = apply::apply(&self.client, workload, part, &self.conventions).await;
        applied.map_err(error::cluster)
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

    #[instrument(skip_all, fields(instance.id = %workload.place.instance_id))]
    async fn drift(&self, workload: &Workload) -> Result<Vec<String>> {
        let found = drift::drift(&self.client, workload, &self.conventions).await;
        found.map_err(error::cluster)
    }

    async fn log(&self, pod: &PodName, lines: i64) -> Result<Option<String>> {
        log::tail(&self.client, pod, lines, false).await.map_err(error::cluster)
    }

    fn follow_log(
        &self,
        pod: &PodName,
        after: Option<LogPosition>,
    ) -> BoxStream<'static, Result<PodLogLine>> {
        let lines = log::follow(&self.streams, pod.clone(), after);
        lines.map(|line| line.map_err(error::cluster)).boxed()
    }

    fn watch(&self) -> BoxStream<'static, Observation> {
        watch::watch(self.streams.clone(), self.client.clone(), self.target.name.clone())
    }
}

#[async_trait]
impl SearchRuntime for KubernetesRuntime {
    #[instrument(skip_all, fields(cluster.id = %workload.place.cluster_id, ?part))]
    async fn apply_search(&self, workload: &SearchWorkload, part: SearchPart) -> Result<()> {
        let applied = search::apply(&self.client, workload, part, &self.conventions).await;
        applied.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(cluster.id = %place.cluster_id))]
    async fn search_rollout(&self, place: &ClusterPlace) -> Result<Option<Rollout>> {
        search::rollout(&self.client, place).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(cluster.id = %workload.place.cluster_id))]
    async fn expand_volumes(&self, workload: &SearchWorkload) -> Result<Vec<String>> {
        search::expand(&self.client, workload).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(cluster.id = %workload.place.cluster_id))]
    async fn configure_search(&self, workload: &SearchWorkload) -> Result<Option<String>> {
        Ok(search::configure(&self.client, workload).await)
    }

    #[instrument(skip_all, fields(cluster.id = %place.cluster_id, ?part))]
    async fn remove_search(&self, place: &ClusterPlace, part: SearchPart) -> Result<()> {
        search::remove(&self.client, place, part).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(cluster.id = %place.cluster_id, ?part))]
    async fn search_remains(&self, place: &ClusterPlace, part: SearchPart) -> Result<Vec<String>> {
        search::remains(&self.client, place, part).await.map_err(error::cluster)
    }
}
