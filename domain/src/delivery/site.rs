//! The delivery port: what the domain asks of the cluster that an environment names. Everything
//! may be asked again, after a crash or an answer that was lost: names are always the same, what
//! stands already is left as it is, and what is gone already is fine.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    ids::{ApplicationId, DeploymentId, EnvironmentId},
    runtime::{LogPosition, PodLogLine, Trouble},
    secrets::SecretValues,
};

/// The sites that there are: the platform's own cluster, and those that kubeconfigs name.
#[async_trait]
pub trait Sites: Send + Sync {
    /// The cluster of a kubeconfig; without one the platform's own. `Invalid` for a kubeconfig
    /// that is not acceptable, also where it was so when it was saved. Dials nobody.
    async fn site(&self, kubeconfig: Option<&Kubeconfig>) -> Result<Arc<dyn Site>>;

    /// Checks a kubeconfig that is about to be saved, by its form alone, and answers with the
    /// address of its API server, such as `https://prod.example.com:6443`.
    fn check(&self, kubeconfig: &Kubeconfig) -> Result<String>;
}

/// A cluster where applications are built, tested and run.
#[async_trait]
pub trait Site: Send + Sync {
    /// Applies a Job, with its namespace before it where that is absent, and its secrets as a
    /// Secret that goes with it. A Job of that name that is there already stays as it is. Its pod
    /// is not restarted when it fails, is ended at the Job's limit, and is removed an hour after
    /// its end if nobody has done so.
    async fn start_job(&self, job: &Job, secrets: &Secrets) -> Result<()>;

    /// How a Job is doing; `None` where there is none, or one that is being deleted.
    async fn job(&self, name: &JobName) -> Result<Option<JobState>>;

    /// What a Job's pod has written behind `after`, or from its beginning; at most about 64 KiB.
    /// Empty while there is no pod or log.
    async fn job_log(&self, name: &JobName, after: Option<LogPosition>) -> Result<JobLog>;

    /// Deletes all Jobs of a deployment for one application, with their pods and Secrets. Answers
    /// whether nothing of them is at work any more.
    async fn remove_jobs(&self, place: &Place, deployment: DeploymentId) -> Result<bool>;

    /// Applies the Deployment of one slot, with the namespace and a Secret of `secrets` where
    /// there are any. A Deployment that stands is brought to it by a rolling update.
    async fn apply_release(&self, release: &Release, secrets: &Secrets) -> Result<()>;

    /// How far the Deployment of a slot has come; `None` where it does not exist.
    async fn rollout(&self, place: &Place, slot: Slot) -> Result<Option<ReleaseRollout>>;

    /// Deletes the Deployment and the Secret of a slot. Answers whether nothing of them is left,
    /// pods included.
    async fn remove_release(&self, place: &Place, slot: Slot) -> Result<bool>;

    /// Sends the application's traffic to one slot: its Service, from port 80 to the one that the
    /// slot's containers listen on, in one apply.
    async fn route(&self, route: &Route) -> Result<()>;

    /// Which slot has the traffic; `None` where there is no Service.
    async fn routed(&self, place: &Place) -> Result<Option<Slot>>;

    /// Deletes the application's Service.
    async fn remove_route(&self, place: &Place) -> Result<()>;

    /// One HTTP GET through the API server's proxy, without following redirects: no address but
    /// the API server's is ever dialled, so that nothing private can be reached.
    async fn probe(&self, probe: &Probe) -> Result<ProbeAnswer>;
}

/// A kubeconfig on its way into an adapter; never shown.
#[derive(Clone)]
pub struct Kubeconfig {
    pub text: String,
    /// The same for the same text, so that a client can be kept for it.
    pub fingerprint: String,
}

impl fmt::Debug for Kubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubeconfig").finish_non_exhaustive()
    }
}

/// Where an application's objects stand in an environment. The Service is called as the
/// application, the Deployment of a slot as both: `api-green`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// As it is called in the cluster.
    pub namespace: String,
    /// The application's name: a label of at most 40 characters.
    pub application: String,
    pub application_id: ApplicationId,
    pub environment_id: EnvironmentId,
}

/// Two releases of an application can stand beside each other, and one of them has the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    Blue,
    Green,
}

impl Slot {
    pub const ALL: &[Self] = &[Self::Blue, Self::Green];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }

    pub fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }
}

/// What an application's secrets open to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// For the repository.
    pub git: Option<Login>,
    /// For a repository that is reached by ssh.
    pub git_key: Option<SshKey>,
    /// For pushing and pulling the image.
    pub registry: Option<Login>,
    /// What the application itself gets, when it is tested and when it runs.
    pub environment: Option<SecretValues>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// A private key as OpenSSH writes it, without a passphrase.
#[derive(Clone, PartialEq, Eq)]
pub struct SshKey(pub String);

impl fmt::Debug for SshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshKey").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobName {
    pub namespace: String,
    /// A label of at most 63 characters.
    pub name: String,
}

/// Work that comes to an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub name: JobName,
    pub place: Place,
    pub deployment_id: DeploymentId,
    /// How long its pod may take.
    pub limit: SignedDuration,
    pub work: JobWork,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobWork {
    Build(ImageBuild),
    /// Runs a command by `sh -c` in an image, with these variables and those of the secrets.
    Test {
        image: String,
        command: String,
        environment: BTreeMap<String, String>,
    },
}

/// An image that is to be built from a commit and pushed. The Job's pod leaves the digest that
/// the registry knows it by, `sha256:…`, as its termination message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageBuild {
    pub repository: String,
    /// The tag that the commit bears.
    pub git_tag: String,
    /// Its hash, which may be shortened: the tag says the rest.
    pub commit: String,
    /// Relative to the context.
    pub dockerfile: String,
    /// Relative to the root of the repository.
    pub context: String,
    pub build_args: BTreeMap<String, String>,
    /// What it is pushed as, such as `registry.example.com/acme/api:v1.0.0`; at least one.
    pub tags: Vec<String>,
}

impl ImageBuild {
    pub fn is_reached_by_ssh(&self) -> bool {
        self.repository.starts_with("ssh://")
    }
}

/// A piece of what a Job has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobLog {
    pub lines: Vec<PodLogLine>,
    /// Whether that is all that there was. Otherwise there was more than a piece holds, or it could
    /// not be read to its end.
    pub is_whole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Its pod runs or is on its way; `trouble` is what holds that up.
    Running { trouble: Option<Trouble> },
    /// `output` is the termination message of its container.
    Succeeded { output: Option<String> },
    /// `exit_code` where a container has ended; `trouble` as Kubernetes says, such as
    /// `DeadlineExceeded` or `BackoffLimitExceeded`, a container's reason before the Job's.
    Failed { exit_code: Option<i32>, trouble: Trouble },
}

/// What should run in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    pub place: Place,
    pub slot: Slot,
    /// The deployment that it is of; the Deployment bears it as a mark, and another one replaces
    /// the pods.
    pub deployment_id: DeploymentId,
    /// With its digest where it was built here.
    pub image: String,
    /// What the container listens on.
    pub port: u16,
    pub replicas: i32,
    /// How many replicas may be missing during the update.
    pub max_unavailable: i32,
    pub environment: BTreeMap<String, String>,
}

/// A slot's progress towards what was applied last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRollout {
    /// The deployment whose release was applied last, where it still bears the mark.
    pub deployment_id: Option<DeploymentId>,
    /// At the observed generation every wanted replica is up to date and available, and nothing
    /// older is left.
    pub complete: bool,
    pub ready: i32,
    pub wanted: i32,
    /// What holds it up, as Kubernetes says: a pod's reason before the Deployment's.
    pub trouble: Option<Trouble>,
}

/// Which slot an application's traffic goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    pub place: Place,
    pub slot: Slot,
}

/// A question whether a release is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub place: Place,
    /// Asks this slot, whether it has the traffic or not.
    pub slot: Slot,
    pub port: u16,
    /// Begins with a slash; may have a query.
    pub path: String,
    pub timeout: SignedDuration,
}

impl Probe {
    /// Whether a path begins with a slash and has no part that leads elsewhere, however it is
    /// written: behind the API server's proxy that would be the API server's.
    pub fn stays_inside(path: &str) -> bool {
        let plain = path.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase();
        let plain = plain.replace("%2e", ".").replace("%2f", "/").replace("%5c", "/");
        let climbs = plain.split(['/', '\\']).any(|part| matches!(part, "." | ".."));
        path.starts_with('/') && !climbs
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// The status that the application answered with.
    Status(u16),
    /// Nothing answered, with why: no pod is ready, it did not answer in time.
    Silent(String),
}
