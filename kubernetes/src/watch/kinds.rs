//! What is watched, and what of it is kept.

use std::fmt::Debug;

use domain::runtime::{Observation, ObservedWorkload, Part};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    batch::v1::Job,
    core::v1::{Event, PersistentVolumeClaim, Pod, Service},
    discovery::v1::EndpointSlice,
    networking::v1::Ingress,
};
use kube::{Resource, ResourceExt, runtime::watcher::Config};
use serde::{Serialize, de::DeserializeOwned};

use super::change::{Change, Surrounding, WatchedPod, Workload};
use crate::{
    delivery::news,
    evidence::{self, Warning},
    labels, observe,
};

/// The annotation that a Deployment counts its ReplicaSets by.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// Of what else there is the cluster's warnings tell nothing that is not seen anyway.
const WARNED_OF: &[&str] = &["Pod", "StatefulSet", "PersistentVolumeClaim"];

pub(super) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static
{
    /// Narrows a watch to what may be ours.
    fn select(config: Config) -> Config {
        config.labels(labels::MANAGED)
    }

    fn seen(&self) -> Option<Change>;

    fn gone(&self) -> Option<Change>;
}

impl Watched for Deployment {
    fn seen(&self) -> Option<Change> {
        let delivery = || news::of_release(self).map(Observation::Delivery).map(Change::Alone);
        let Some(seen) = observe::workload(self) else { return delivery() };
        let made = self.status.as_ref().and_then(|status| status.replicas).unwrap_or(0);
        workload(self, seen, made)
    }

    fn gone(&self) -> Option<Change> {
        labels::owner(&self.metadata).map(Change::WorkloadGone)
    }
}

impl Watched for StatefulSet {
    fn seen(&self) -> Option<Change> {
        let made = self.status.as_ref().map_or(0, |status| status.replicas);
        workload(self, observe::stateful_set(self)?, made)
    }

    fn gone(&self) -> Option<Change> {
        labels::owner(&self.metadata).map(Change::WorkloadGone)
    }
}

fn workload<K: Resource>(object: &K, seen: ObservedWorkload, made: i32) -> Option<Change> {
    let lacks_pods = made < seen.total_replicas;
    Some(Change::Workload(Workload { uid: object.uid()?, seen, lacks_pods }))
}

impl Watched for Service {
    fn seen(&self) -> Option<Change> {
        object(self, Part::Service)
    }

    fn gone(&self) -> Option<Change> {
        object_gone(self)
    }
}

impl Watched for Ingress {
    fn seen(&self) -> Option<Change> {
        object(self, Part::Ingress)
    }

    fn gone(&self) -> Option<Change> {
        object_gone(self)
    }
}

fn object<K: Resource + Serialize>(object: &K, part: Part) -> Option<Change> {
    observe::object(object, part).map(Observation::Object).map(Change::Alone)
}

fn object_gone<K: Resource>(object: &K) -> Option<Change> {
    labels::instance_id(object.meta()).map(Observation::ObjectGone).map(Change::Alone)
}

impl Watched for Pod {
    fn seen(&self) -> Option<Change> {
        let Some(seen) = observe::pod(self) else {
            return news::of_pod(self).map(Observation::Delivery).map(Change::Alone);
        };
        let maker = self.owner_references().first().map(|maker| maker.uid.clone());
        let clue = evidence::clue(self);
        let claims = if clue.is_some() { claims(self) } else { Vec::new() };
        Some(Change::Pod(WatchedPod { seen, maker, claims, clue, log: Vec::new() }))
    }

    fn gone(&self) -> Option<Change> {
        match observe::pod(self) {
            Some(seen) => Some(Change::PodGone(seen)),
            None => news::of_pod_gone(self).map(Observation::Delivery).map(Change::Alone),
        }
    }
}

/// The names of the claims that a pod mounts.
fn claims(pod: &Pod) -> Vec<String> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    let claims = volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref());
    claims.map(|claim| claim.claim_name.clone()).collect()
}

impl Watched for Job {
    fn seen(&self) -> Option<Change> {
        news::of_job(self).map(Observation::Delivery).map(Change::Alone)
    }

    fn gone(&self) -> Option<Change> {
        None
    }
}

impl Watched for ReplicaSet {
    /// Those that have been superseded, and have no pod left, tell nothing.
    fn seen(&self) -> Option<Change> {
        let wanted = self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let status = self.status.as_ref();
        let made = status.map_or(0, |status| status.replicas);
        let revision = self.annotations().get(REVISION).and_then(|number| number.parse().ok());
        let failure = status.and_then(|status| {
            let conditions = status.conditions.as_ref()?;
            let failed = |kind: &str, status: &str| kind == "ReplicaFailure" && status == "True";
            let found = conditions.iter().find(|it| failed(&it.type_, &it.status))?;
            Some(Warning {
                reason: found.reason.clone()?,
                message: found.message.clone().unwrap_or_default(),
                at: None,
            })
        });
        let now = Surrounding::ReplicaSet { revision, failure };
        surrounding(self, (wanted > 0 || made > 0).then_some(now))
    }

    fn gone(&self) -> Option<Change> {
        surrounding(self, None)
    }
}

impl Watched for EndpointSlice {
    fn seen(&self) -> Option<Change> {
        let conditions = self.endpoints.iter().filter_map(|endpoint| endpoint.conditions.as_ref());
        let ready = conditions.filter(|conditions| conditions.ready == Some(true)).count();
        surrounding(self, Some(Surrounding::Endpoints(ready.try_into().unwrap_or(i32::MAX))))
    }

    fn gone(&self) -> Option<Change> {
        surrounding(self, None)
    }
}

impl Watched for PersistentVolumeClaim {
    /// One that has its volume tells nothing.
    fn seen(&self) -> Option<Change> {
        let phase = self.status.as_ref().and_then(|status| status.phase.clone());
        let phase = phase.unwrap_or_else(|| "Pending".to_owned());
        let class = self.spec.as_ref().and_then(|spec| spec.storage_class_name.clone());
        let is_bound = phase == "Bound";
        let now = Surrounding::Claim { name: self.name_any(), phase, class };
        surrounding(self, (!is_bound).then_some(now))
    }

    fn gone(&self) -> Option<Change> {
        surrounding(self, None)
    }
}

fn surrounding<K: Resource>(object: &K, now: Option<Surrounding>) -> Option<Change> {
    let owner = labels::owner(object.meta())?;
    Some(Change::Surrounding { owner, uid: object.uid()?, now })
}

impl Watched for Event {
    /// Events bear no labels. Whose they are shows their namespace, and then what they are about.
    fn select(config: Config) -> Config {
        config.fields("type=Warning")
    }

    fn seen(&self) -> Option<Change> {
        warning(self, true)
    }

    fn gone(&self) -> Option<Change> {
        warning(self, false)
    }
}

fn warning(event: &Event, stands: bool) -> Option<Change> {
    let involved = &event.involved_object;
    let is_about_ours = involved.namespace.as_deref().is_some_and(labels::is_our_namespace)
        && involved.kind.as_deref().is_some_and(|kind| WARNED_OF.contains(&kind));
    let about = involved.uid.clone().filter(|_| is_about_ours)?;
    let now = stands.then(|| Warning::of(event));
    Some(Change::Warning { about, name: event.name_any(), now })
}
