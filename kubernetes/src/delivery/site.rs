use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    delivery::{
        Job, JobLog, JobName, JobState, Place, Probe, ProbeAnswer, Release, ReleaseRollout, Route,
        Secrets, Site, Slot,
    },
    error::Result,
    ids::DeploymentId,
    runtime::LogPosition,
};
use kube::Client;
use tracing::instrument;

use super::{job_log, job_state, jobs, probe, releases, routes};
use crate::{error, limit, retry};

/// One cluster where applications are built, tested and run.
pub(super) struct KubernetesSite {
    /// For single calls.
    client: Client,
    /// For what is not to be made again by itself: logs and probes.
    once: Client,
    builder_image: Arc<str>,
}

impl KubernetesSite {
    pub fn new(client: Client, builder_image: Arc<str>) -> Self {
        Self { client: retry::patient(&client), once: limit::for_streams(client), builder_image }
    }
}

#[async_trait]
impl Site for KubernetesSite {
    #[instrument(skip_all, fields(deployment.id = %job.deployment_id, job.name = job.name.name))]
    async fn start_job(&self, job: &Job, secrets: &Secrets) -> Result<()> {
        jobs::start(&self.client, job, secrets, &self.builder_image).await
    }

    #[instrument(skip_all, fields(job.name = name.name))]
    async fn job(&self, name: &JobName) -> Result<Option<JobState>> {
        job_state::state(&self.client, name).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(job.name = name.name))]
    async fn job_log(&self, name: &JobName, after: Option<LogPosition>) -> Result<JobLog> {
        job_log::read(&self.client, &self.once, name, after).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(deployment.id = %deployment))]
    async fn remove_jobs(&self, place: &Place, deployment: DeploymentId) -> Result<bool> {
        jobs::remove(&self.client, place, deployment).await.map_err(error::cluster)
    }

    #[instrument(skip_all, fields(deployment.id = %release.deployment_id))]
    async fn apply_release(&self, release: &Release, secrets: &Secrets) -> Result<()> {
        releases::apply(&self.client, release, secrets).await
    }

    #[instrument(skip_all, fields(application.id = %place.application_id))]
    async fn rollout(&self, place: &Place, slot: Slot) -> Result<Option<ReleaseRollout>> {
        releases::progress(&self.client, place, slot).await
    }

    #[instrument(skip_all, fields(application.id = %place.application_id))]
    async fn remove_release(&self, place: &Place, slot: Slot) -> Result<bool> {
        releases::remove(&self.client, place, slot).await
    }

    #[instrument(skip_all, fields(application.id = %route.place.application_id))]
    async fn route(&self, route: &Route) -> Result<()> {
        routes::apply(&self.client, route).await
    }

    #[instrument(skip_all, fields(application.id = %place.application_id))]
    async fn routed(&self, place: &Place) -> Result<Option<Slot>> {
        routes::routed(&self.client, place).await
    }

    #[instrument(skip_all, fields(application.id = %place.application_id))]
    async fn remove_route(&self, place: &Place) -> Result<()> {
        routes::remove(&self.client, place).await
    }

    #[instrument(skip_all, fields(application.id = %probe.place.application_id))]
    async fn probe(&self, probe: &Probe) -> Result<ProbeAnswer> {
        probe::ask(&self.once, &self.client, probe).await
    }
}
