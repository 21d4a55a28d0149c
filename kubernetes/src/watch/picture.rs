use std::collections::{BTreeSet, HashMap};

use domain::runtime::{Observation, ObservedWorkload, Owner, Pod};

use super::change::{Change, Surrounding, WatchedPod, Workload};
use crate::evidence::{Clue, Warning};

/// So many warnings about one object are told, and a few more are kept.
const WARNINGS: usize = 5;
const KEPT: usize = 4 * WARNINGS;

/// What the cluster shows of ours, with all that bears on it, whatever came first.
#[derive(Default)]
pub(super) struct Picture {
    groups: HashMap<Owner, Group>,
    /// By the uid of what they are about, each with its Event's name.
    warnings: HashMap<String, Vec<(String, Warning)>>,
}

/// What there is of one owner.
#[derive(Default)]
struct Group {
    workload: Option<Workload>,
    pods: Vec<WatchedPod>,
    /// By their uids.
    surroundings: Vec<(String, Surrounding)>,
}

/// How that looks.
#[derive(Default)]
struct Shown {
    workload: Option<ObservedWorkload>,
    pods: Vec<Pod>,
}

impl Picture {
    pub(super) fn workloads(&self) -> Vec<ObservedWorkload> {
        self.groups.values().filter_map(|group| self.workload(group)).collect()
    }

    pub(super) fn pods(&self) -> Vec<Pod> {
        let shown = |group| self.shown(group).pods;
        self.groups.values().flat_map(shown).collect()
    }

    /// What there is to be told of a change: what it is about, and what else looks different now.
    pub(super) fn take(&mut self, change: Change) -> Vec<Observation> {
        match change {
            Change::Alone(observation) => vec![observation],
            Change::Workload(workload) => {
                let (owner, told) = (workload.seen.owner, workload.uid.clone());
                self.alter(owner, Some(&told), |group| group.workload = Some(workload))
            }
            Change::WorkloadGone(owner) => {
                self.alter(owner, None, |group| group.workload = None);
                vec![Observation::WorkloadGone(owner)]
            }
            Change::Pod(pod) => {
                let told = pod.seen.uid.clone();
                self.alter(pod.seen.owner, Some(&told), |group| group.put_pod(pod))
            }
            Change::PodGone(pod) => {
                let others = |it: &WatchedPod| it.seen.uid != pod.uid;
                self.alter(pod.owner, None, |group| group.pods.retain(others));
                vec![Observation::PodGone(pod)]
            }
            Change::Surrounding { owner, uid, now } => {
                self.alter(owner, None, |group| group.put_surrounding(uid, now))
            }
            Change::Warning { about, name, now } => self.heed(&about, name, now),
        }
    }

    fn heed(&mut self, about: &str, name: String, now: Option<Warning>) -> Vec<Observation> {
        let owner = self.groups.iter().find(|(_, group)| group.has(about)).map(|(owner, _)| *owner);
        let before = owner.map(|owner| self.look(owner));
        self.put_warning(about, name, now);
        owner.zip(before).map_or_else(Vec::new, |(owner, before)| self.news(owner, &before, None))
    }

    fn put_warning(&mut self, about: &str, name: String, now: Option<Warning>) {
        let known = self.warnings.entry(about.to_owned()).or_default();
        known.retain(|(it, _)| *it != name);
        known.extend(now.filter(|_| known.len() < KEPT).map(|warning| (name, warning)));
        if known.is_empty() {
            self.warnings.remove(about);
        }
    }

    /// `itself` is the uid of what is told in any case.
    fn alter(
        &mut self,
        owner: Owner,
        itself: Option<&str>,
        change: impl FnOnce(&mut Group),
    ) -> Vec<Observation> {
        let before = self.look(owner);
        let group = self.groups.entry(owner).or_default();
        change(group);
        if group.is_empty() {
            self.groups.remove(&owner);
        }
        self.news(owner, &before, itself)
    }

    fn news(&self, owner: Owner, before: &Shown, itself: Option<&str>) -> Vec<Observation> {
        let after = self.look(owner);
        let is_itself = |uid: &str| itself == Some(uid);
        let group = self.groups.get(&owner);
        let of_workload = group.and_then(|group| group.workload.as_ref());
        let is_workload = of_workload.is_some_and(|workload| is_itself(&workload.uid));
        let workload =
            after.workload.filter(|it| is_workload || before.workload.as_ref() != Some(it));
        let pods = after.pods.into_iter();
        let pods = pods.filter(|pod| is_itself(&pod.uid) || !before.pods.contains(pod));
        workload.map(Observation::Workload).into_iter().chain(pods.map(Observation::Pod)).collect()
    }

    fn look(&self, owner: Owner) -> Shown {
        self.groups.get(&owner).map(|group| self.shown(group)).unwrap_or_default()
    }

    fn shown(&self, group: &Group) -> Shown {
        let pods = group.pods.iter().map(|pod| self.pod(group, pod)).collect();
        Shown { workload: self.workload(group), pods }
    }

    fn workload(&self, group: &Group) -> Option<ObservedWorkload> {
        let workload = group.workload.as_ref()?;
        let mut seen = workload.seen.clone();
        seen.ready_endpoints = seen.owner.instance().map(|_| group.ready_endpoints());
        if seen.error_reason.is_none()
            && workload.lacks_pods
            && let Some(refusal) = group.refusal().or_else(|| self.refusal(group, &workload.uid))
        {
            seen.error_reason = Some(refusal.reason.clone());
            seen.message = Some(refusal.message.clone());
        }
        Some(seen)
    }

    /// A StatefulSet has no conditions: that it may not make pods is told by warnings alone, which
    /// stay when that has passed.
    fn refusal(&self, group: &Group, uid: &str) -> Option<&Warning> {
        let since = group.pods.iter().filter_map(|pod| pod.seen.started_at).max();
        let stands = |it: &&Warning| it.reason == "FailedCreate" && it.at >= since;
        self.about(uid).filter(stands).max_by_key(|it| it.at)
    }

    fn pod(&self, group: &Group, pod: &WatchedPod) -> Pod {
        let mut seen = pod.seen.clone();
        seen.revision = pod.maker.as_deref().and_then(|maker| group.revision(maker));
        seen.evidence = match pod.clue {
            Some(Clue::Log) => pod.log.clone(),
            Some(Clue::Warnings) => self.evidence(group, pod),
            None => Vec::new(),
        };
        seen
    }

    /// What the pod lacks, and what is said about that and about itself.
    fn evidence(&self, group: &Group, pod: &WatchedPod) -> Vec<String> {
        let unbound =
            || group.surroundings.iter().filter_map(|(uid, it)| Some((uid, it.unbound(pod)?)));
        let uids = unbound().map(|(uid, _)| uid).chain([&pod.seen.uid]);
        let warnings = uids.flat_map(|uid| self.about(uid));
        // The pod itself says where it cannot be scheduled.
        let warnings =
            warnings.filter(|it| it.reason != "FailedScheduling").map(ToString::to_string);
        let warnings: BTreeSet<String> = warnings.collect();
        unbound().map(|(_, text)| text).chain(warnings.into_iter().take(WARNINGS)).collect()
    }

    fn about(&self, uid: &str) -> impl Iterator<Item = &Warning> {
        self.warnings.get(uid).into_iter().flatten().map(|(_, warning)| warning)
    }
}

impl Group {
    fn is_empty(&self) -> bool {
        self.workload.is_none() && self.pods.is_empty() && self.surroundings.is_empty()
    }

    fn has(&self, uid: &str) -> bool {
        self.workload.as_ref().is_some_and(|it| it.uid == uid)
            || self.pods.iter().any(|it| it.seen.uid == uid)
            || self.surroundings.iter().any(|(it, _)| it == uid)
    }

    fn put_pod(&mut self, pod: WatchedPod) {
        self.pods.retain(|it| it.seen.uid != pod.seen.uid);
        self.pods.push(pod);
    }

    fn put_surrounding(&mut self, uid: String, now: Option<Surrounding>) {
        self.surroundings.retain(|(it, _)| *it != uid);
        self.surroundings.extend(now.map(|now| (uid, now)));
    }

    fn ready_endpoints(&self) -> i32 {
        let ready = self.surroundings.iter().map(|(_, it)| match it {
            Surrounding::Endpoints(ready) => *ready,
            Surrounding::ReplicaSet { .. } | Surrounding::Claim { .. } => 0,
        });
        ready.sum()
    }

    /// Of the ReplicaSet with that uid.
    fn revision(&self, uid: &str) -> Option<i32> {
        self.surroundings.iter().find_map(|(it, found)| match found {
            Surrounding::ReplicaSet { revision, .. } if it == uid => *revision,
            _ => None,
        })
    }

    /// Why the latest ReplicaSet makes no pod.
    fn refusal(&self) -> Option<&Warning> {
        let sets = self.surroundings.iter().filter_map(|(_, it)| match it {
            Surrounding::ReplicaSet { revision, failure } => Some((revision, failure.as_ref())),
            _ => None,
        });
        sets.max_by_key(|(revision, _)| *revision).and_then(|(_, failure)| failure)
    }
}

impl Surrounding {
    /// What to say of a claim without a volume that the pod mounts.
    fn unbound(&self, pod: &WatchedPod) -> Option<String> {
        let Self::Claim { name, phase, class } = self else { return None };
        let class = class.as_ref().map(|class| format!(", of storage class {class}"));
        let text = || format!("claim: {name} is {phase}{}", class.unwrap_or_default());
        pod.claims.contains(name).then(text)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::{
        apps::v1::StatefulSet,
        core::v1::{self, Event},
    };
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::{super::kinds::Watched, *};

    fn seen<K: Watched>(object: &Value) -> Change {
        of::<K>(object).seen().expect("it is ours")
    }

    fn gone<K: Watched>(object: &Value) -> Change {
        of::<K>(object).gone().expect("it is ours")
    }

    fn of<K: DeserializeOwned>(object: &Value) -> K {
        serde_json::from_value(object.clone()).expect("it is one")
    }

    fn meta(uid: &str) -> Value {
        let labels = json!({ "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203" });
        json!({ "name": uid, "namespace": "slipway-acme--books", "uid": uid, "labels": labels })
    }

    fn set() -> Value {
        let spec = json!({ "replicas": 2, "selector": {}, "serviceName": "", "template": {} });
        json!({ "metadata": meta("set"), "spec": spec, "status": { "replicas": 1 } })
    }

    fn pod(started: &str) -> Value {
        let unready = json!([{ "type": "Ready", "status": "False", "reason": "Unready" }]);
        json!({ "metadata": meta("pod"), "status": { "startTime": started, "conditions": unready } })
    }

    fn warning(about: &str, kind: &str, reason: &str) -> Value {
        json!({
            "metadata": { "name": reason, "namespace": "slipway-acme--books" },
            "involvedObject": { "kind": kind, "namespace": "slipway-acme--books", "uid": about },
            "type": "Warning",
            "reason": reason,
            "message": "so it is",
            "lastTimestamp": "2026-01-01T00:01:00Z",
        })
    }

    fn reason(told: &[Observation]) -> Option<&str> {
        told.iter().find_map(|observation| match observation {
            Observation::Workload(workload) => workload.error_reason.as_deref(),
            _ => None,
        })
    }

    #[test]
    fn a_refusal_is_told_until_a_pod_has_been_made_after_it() {
        let mut picture = Picture::default();
        let early = picture.take(seen::<StatefulSet>(&set()));
        let refused = picture.take(seen::<Event>(&warning("set", "StatefulSet", "FailedCreate")));
        let older = picture.take(seen::<v1::Pod>(&pod("2026-01-01T00:00:00Z")));
        let newer = picture.take(seen::<v1::Pod>(&pod("2026-01-01T00:02:00Z")));

        assert_eq!((reason(&early), reason(&refused)), (None, Some("FailedCreate")));
        assert_eq!((older.len(), newer.len()), (1, 2), "the second changes the workload too");
        assert_eq!(reason(&newer), None);
    }

    #[test]
    fn it_does_not_matter_what_comes_first() {
        let unhealthy = warning("pod", "Pod", "Unhealthy");
        let pod = pod("2026-01-01T00:00:00Z");
        let mut first = Picture::default();
        let mut last = Picture::default();

        first.take(seen::<Event>(&unhealthy));
        first.take(seen::<v1::Pod>(&pod));
        last.take(seen::<v1::Pod>(&pod));
        last.take(seen::<Event>(&unhealthy));

        assert_eq!(first.pods(), last.pods());
        assert_eq!(first.pods()[0].evidence, ["event: Unhealthy: so it is"]);
    }

    #[test]
    fn of_what_is_gone_nothing_is_kept() {
        let mut picture = Picture::default();
        let (pod, unhealthy) = (pod("2026-01-01T00:00:00Z"), warning("pod", "Pod", "Unhealthy"));
        for change in [
            seen::<StatefulSet>(&set()),
            seen::<v1::Pod>(&pod),
            seen::<Event>(&unhealthy),
            gone::<v1::Pod>(&pod),
            gone::<Event>(&unhealthy),
            gone::<StatefulSet>(&set()),
        ] {
            picture.take(change);
        }

        assert!(picture.groups.is_empty() && picture.warnings.is_empty());
    }
}
