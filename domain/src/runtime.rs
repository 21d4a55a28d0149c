//! The Kubernetes port: what the domain asks of a cluster and what a cluster tells it.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    commerce::ComputeSpec,
    error::{Error, Result},
    ids::{ClusterId, DeploymentId, InstanceId},
    secrets::{SealedSecret, SecretValues},
};

#[async_trait]
pub trait Runtime: Send + Sync {
    fn target(&self) -> Target;

    /// Server-side apply of one object, with the namespace before it where that is absent.
    /// Applying the same again changes nothing.
    async fn apply(&self, workload: &Workload, part: Part) -> Result<()>;

    /// Server-side apply of the Secret that the Deployment takes its secret environment from.
    async fn apply_secret(&self, workload: &Workload, values: &SecretValues) -> Result<()>;

    /// Deletes that Secret; absence is fine.
    async fn remove_secret(&self, place: &Place) -> Result<()>;

    /// How far the Deployment has come; `None` where it does not exist.
    async fn rollout(&self, place: &Place) -> Result<Option<Rollout>>;

    /// Deletes Ingress, Service, Deployment and Secret; absence is fine.
    async fn remove(&self, place: &Place) -> Result<()>;

    /// What is left of a workload, as `Kind name`, its pods included.
    async fn remains(&self, place: &Place) -> Result<Vec<String>>;

    /// Where the objects are other than an apply would make them, in a sentence each.
    async fn drift(&self, workload: &Workload) -> Result<Vec<String>>;

    /// The last lines of a pod's log; `None` where it has none yet or any more.
    async fn log(&self, pod: &PodName, lines: i64) -> Result<Option<String>>;

    /// A pod's log behind `after`, or from its beginning, and what comes, across restarts of its
    /// container. Ends with the pod.
    fn follow_log(
        &self,
        pod: &PodName,
        after: Option<LogPosition>,
    ) -> BoxStream<'static, Result<PodLogLine>>;

    /// Everything of ours in the cluster, as it changes. Begins with complete lists, repeats them
    /// after each interruption, and never ends.
    fn watch(&self) -> BoxStream<'static, Observation>;
}

/// A cluster that workloads run in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    /// Whether it only exists in this process.
    pub simulated: bool,
}

/// What objects in a cluster belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Owner {
    Instance(InstanceId),
    Cluster(ClusterId),
}

impl Owner {
    pub fn instance(self) -> Option<InstanceId> {
        match self {
            Self::Instance(id) => Some(id),
            Self::Cluster(_) => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => id.fmt(f),
            Self::Cluster(id) => id.fmt(f),
        }
    }
}

impl FromStr for Owner {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self::Instance).or_else(|_| text.parse().map(Self::Cluster))
    }
}

impl TryFrom<String> for Owner {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.to_string()
    }
}

/// Where the objects of a workload stand. All but the namespace share one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub namespace: String,
    pub name: String,
    pub instance_id: InstanceId,
}

/// What should run for an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    pub place: Place,
    pub spec: ComputeSpec,
    pub replicas: i32,
    /// A change of it replaces the pods.
    pub restart_token: Option<String>,
    /// The secret part of its environment; another one replaces the pods.
    #[serde(default)]
    pub secret: Option<SealedSecret>,
    /// The host name that the Ingress routes.
    pub host: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Namespace,
    Deployment,
    Service,
    Ingress,
}

impl Part {
    pub const ALL: &[Self] = &[Self::Namespace, Self::Deployment, Self::Service, Self::Ingress];
}

/// A Deployment's progress towards its latest specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Every wanted replica is up to date and available and nothing older is left.
    pub complete: bool,
    pub ready: i32,
    pub wanted: i32,
    /// What holds it up, as Kubernetes says: a pod's reason before the Deployment's.
    pub trouble: Option<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Such as `CrashLoopBackOff`.
    pub reason: String,
    pub message: String,
}

/// One thing that the watch saw.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The watch works; lists follow.
    Connected,
    Disconnected,
    /// All workloads there are: what is not among them is gone.
    Workloads(Vec<ObservedWorkload>),
    Workload(ObservedWorkload),
    WorkloadGone(Owner),
    /// All Services and Ingresses there are: what is not among them is gone.
    Objects(Vec<ObservedObject>),
    Object(ObservedObject),
    ObjectGone(InstanceId),
    /// All pods there are: what is not among them is gone.
    Pods(Vec<Pod>),
    Pod(Pod),
    PodGone(Pod),
    /// Something that the tasks of a deployment may wait for.
    Delivery(DeploymentId),
}

/// What a Deployment or a StatefulSet shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedWorkload {
    pub owner: Owner,
    pub ready_replicas: i32,
    pub total_replicas: i32,
    /// The message of the condition that matters most now.
    pub message: Option<String>,
    /// The reason of a condition that reports a failure.
    pub error_reason: Option<String>,
    /// How many of an instance's pods its Service sends traffic to.
    pub ready_endpoints: Option<i32>,
    /// Whether it is as it was applied last.
    pub intact: bool,
}

/// A Service or an Ingress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedObject {
    pub instance_id: InstanceId,
    pub part: Part,
    /// Whether it is as it was applied last.
    pub intact: bool,
}

/// Where a pod is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName {
    pub namespace: String,
    pub name: String,
}

/// A line that a container has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodLogLine {
    /// Resume behind the line with it.
    pub position: LogPosition,
    /// Without its line break.
    pub text: String,
}

/// A place in a pod's log: lines bear times, which several may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPosition {
    pub at: Timestamp,
    /// How many lines of that time lie before, this one included.
    pub nth: u32,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.at, self.nth)
    }
}

impl FromStr for LogPosition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.split_once('/')
            .and_then(|(at, nth)| Some(Self { at: at.parse().ok()?, nth: nth.parse().ok()? }))
            .ok_or_else(|| Error::invalid("after", "is not a position in a pod's log"))
    }
}

/// What a pod shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    pub uid: String,
    // As older events call it.
    #[serde(alias = "instanceId")]
    pub owner: Owner,
    pub name: String,
    pub namespace: String,
    /// As Kubernetes says: Pending, Running, Succeeded, Failed or Unknown.
    pub phase: String,
    pub ready: bool,
    pub restarts: i32,
    pub node: Option<String>,
    pub ip: Option<String>,
    /// Why it does not run well: a waiting or terminated container's reason before a condition's.
    pub reason: Option<String>,
    pub message: Option<String>,
    /// How its container ended last, such as `OOMKilled`.
    pub last_termination: Option<String>,
    /// With which exit code it ended last.
    #[serde(default)]
    pub last_exit_code: Option<i32>,
    pub started_at: Option<Timestamp>,
    /// Which revision of the Deployment it is of.
    #[serde(default)]
    pub revision: Option<i32>,
    /// What else speaks of its trouble: claims that are not bound, warnings of the cluster, the
    /// end of its log.
    #[serde(default)]
    pub evidence: Vec<String>,
}

impl Pod {
    /// Reasons of pods that are on their way.
    const CALM: &[&str] =
        &["ContainerCreating", "PodInitializing", "ContainersNotReady", "Terminating"];

    /// Whether something is wrong with it, besides that it takes its time.
    pub fn is_troubled(&self) -> bool {
        let troubling = |reason: &str| !Self::CALM.contains(&reason);
        !self.ready
            && (self.last_termination.is_some() || self.reason.as_deref().is_some_and(troubling))
    }

    /// Whether it waits for something that its environment comes from.
    pub fn lacks_an_object(&self) -> bool {
        self.reason.as_deref() == Some("CreateContainerConfigError")
    }

    pub fn pod_name(&self) -> PodName {
        PodName { namespace: self.namespace.clone(), name: self.name.clone() }
    }
}
