//! Which controller looks at what, and when.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

use super::claim::claims_of;
use crate::{
    clock::later,
    kinds::{
        CLAIM, DEPLOYMENT, EVENT, INGRESS, JOB, Kind, NAMESPACE, NODE, POD, QUOTA, REPLICA_SET,
        SERVICE, STATEFUL_SET, find_by_name,
    },
    object::{controller, has_finalizer, is_terminating, items, text},
    selectors::LabelSelector,
    state::State,
    storage::{Change, Key},
};

/// More rounds than any change can need; beyond it two controllers must be at odds.
const SETTLE_LIMIT: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Controller {
    Address,
    Claim,
    Deployment,
    Endpoints,
    EventExpiry,
    Garbage,
    Job,
    Kubelet,
    Namespace,
    Node,
    Provisioner,
    Quota,
    ReplicaSet,
    Scheduler,
    StatefulSet,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Work {
    pub controller: Controller,
    pub key: Key,
}

/// Work by the moment it falls due; each piece is queued once, for its earliest moment.
#[derive(Default)]
pub(crate) struct Queue {
    by_time: BTreeMap<(Timestamp, u64), Work>,
    places: HashMap<Work, (Timestamp, u64)>,
    count: u64,
}

impl Queue {
    pub(super) fn add(&mut self, work: Work, at: Timestamp) {
        if let Some(place) = self.places.get(&work) {
            if place.0 <= at {
                return;
            }
            self.by_time.remove(place);
        }
        self.count += 1;
        let place = (at, self.count);
        self.by_time.insert(place, work.clone());
        self.places.insert(work, place);
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.by_time.keys().next().map(|(at, _)| *at)
    }

    fn pop(&mut self, now: Timestamp) -> Option<Work> {
        let (place, _) = self.by_time.first_key_value()?;
        if place.0 > now {
            return None;
        }
        let (_, work) = self.by_time.pop_first()?;
        self.places.remove(&work);
        Some(work)
    }
}

impl State {
    /// Lets the controllers act until nothing is due.
    pub fn settle(&mut self) {
        for _ in 0..SETTLE_LIMIT {
            let Some(work) = self.queue.pop(self.now) else {
                return;
            };
            if let Some(at) = self.reconcile(&work) {
                self.queue.add(work, at);
            }
        }
        tracing::error!(next = ?self.queue.next_due(), "the controllers do not come to rest");
    }

    fn reconcile(&mut self, work: &Work) -> Option<Timestamp> {
        let key = &work.key;
        match work.controller {
            Controller::Address => self.give_address(key),
            Controller::Claim => self.tend_claim(key),
            Controller::Deployment => self.roll_out(key),
            Controller::Endpoints => self.publish_endpoints(key),
            Controller::EventExpiry => self.expire_event(key),
            Controller::Garbage => self.collect(key),
            Controller::Job => self.run_job(key),
            Controller::Kubelet => self.run_pod(key),
            Controller::Namespace => self.tend_namespace(key),
            Controller::Node => self.tend_node(key),
            Controller::Provisioner => self.provision(key),
            Controller::Quota => self.count_usage(key),
            Controller::ReplicaSet => self.keep_replicas(key),
            Controller::Scheduler => self.schedule(key),
            Controller::StatefulSet => self.keep_stateful_set(key),
        }
    }

    /// Tells the controllers of a write.
    pub fn notice(&mut self, change: &Change) {
        let key = &change.key;
        let kind = key.kind;
        let react = self.timing.react;
        if *kind == POD {
            self.notice_pod(change);
        } else if *kind == REPLICA_SET {
            self.wake(Controller::ReplicaSet, key.clone(), react);
        } else if *kind == DEPLOYMENT {
            self.wake(Controller::Deployment, key.clone(), react);
        } else if *kind == STATEFUL_SET {
            self.wake(Controller::StatefulSet, key.clone(), react);
        } else if *kind == JOB {
            self.wake(Controller::Job, key.clone(), react);
        } else if *kind == CLAIM {
            self.wake(Controller::Claim, key.clone(), Duration::ZERO);
            self.wake_scheduler();
        } else if *kind == SERVICE {
            self.wake(Controller::Endpoints, key.clone(), react);
            self.wake(Controller::Address, key.clone(), self.timing.address);
        } else if *kind == INGRESS {
            self.wake(Controller::Address, key.clone(), self.timing.address);
        } else if *kind == NAMESPACE {
            self.wake(Controller::Namespace, key.clone(), react);
        } else if *kind == NODE {
            self.wake_scheduler();
        } else if *kind == QUOTA {
            self.wake(Controller::Quota, key.clone(), Duration::ZERO);
        } else if *kind == EVENT && change.before.is_null() {
            self.wake(Controller::EventExpiry, key.clone(), self.timing.event_retention);
        }
        self.notice_owners(change);
        self.notice_surroundings(change);
    }

    pub(super) fn wake(&mut self, controller: Controller, key: Key, after: Duration) {
        let at = later(self.now, after);
        self.queue.add(Work { controller, key }, at);
    }

    fn notice_pod(&mut self, change: &Change) {
        let key = &change.key;
        let assigned = !text(&change.after["spec"]["nodeName"]).is_empty();
        self.loads.subtract(&change.before);
        if change.removed {
            self.runs.remove(text(&change.after["metadata"]["uid"]));
        } else {
            self.loads.add(&change.after);
            let (controller, pause) = match assigned {
                true => (Controller::Kubelet, Duration::ZERO),
                false => (Controller::Scheduler, self.timing.schedule),
            };
            self.wake(controller, key.clone(), pause);
        }
        let phase = |pod: &Value| pod["status"]["phase"].clone();
        if change.removed || phase(&change.before) != phase(&change.after) {
            self.wake_quotas(&key.namespace);
        }
        if change.removed && assigned {
            self.wake_scheduler();
        }
        for claim in claims_of(&change.after) {
            self.wake(Controller::Claim, claim, Duration::ZERO);
        }
        self.wake_services(change);
    }

    fn wake_services(&mut self, change: &Change) {
        let selected = |selector: &LabelSelector, pod: &Value| {
            !pod.is_null() && selector.matches(&pod["metadata"]["labels"])
        };
        let services: Vec<Key> = self
            .storage
            .list(&SERVICE, Some(&change.key.namespace))
            .filter(|(_, service)| {
                let selector = LabelSelector::of_map(&service["spec"]["selector"]);
                selected(&selector, &change.before) || selected(&selector, &change.after)
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in services {
            self.wake(Controller::Endpoints, key, self.timing.react);
        }
    }

    /// All Pods that wait for a node.
    fn wake_scheduler(&mut self) {
        let waiting: Vec<Key> = self
            .storage
            .list(&POD, None)
            .filter(|(_, pod)| text(&pod["spec"]["nodeName"]).is_empty())
            .map(|(key, _)| key.clone())
            .collect();
        for key in waiting {
            self.wake(Controller::Scheduler, key, self.timing.schedule);
        }
    }

    fn wake_quotas(&mut self, namespace: &str) {
        let quotas: Vec<Key> =
            self.storage.list(&QUOTA, Some(namespace)).map(|(key, _)| key.clone()).collect();
        for key in quotas {
            self.wake(Controller::Quota, key, Duration::ZERO);
        }
    }

    /// The controllers of the owners, and the garbage collector.
    fn notice_owners(&mut self, change: &Change) {
        if let Some(owner) = controller(&change.after)
            && let Some((controller, kind)) = controller_of(owner)
        {
            let key = Key::new(kind, &change.key.namespace, text(&owner["name"]));
            self.wake(controller, key, self.timing.react);
        }
        let owners = items(&change.after["metadata"]["ownerReferences"]);
        let held = ["foregroundDeletion", "orphan"];
        let concluding = is_terminating(&change.after)
            && held.iter().any(|finalizer| has_finalizer(&change.after, finalizer));
        if concluding || change.before.is_null() && !owners.is_empty() {
            self.wake(Controller::Garbage, change.key.clone(), Duration::ZERO);
        }
        if change.removed {
            for owner in owners {
                if let Some(key) = owner_key(owner, &change.key.namespace) {
                    self.wake(Controller::Garbage, key, Duration::ZERO);
                }
            }
            for key in self.storage.dependents(text(&change.after["metadata"]["uid"])) {
                self.wake(Controller::Garbage, key, Duration::ZERO);
            }
        }
    }

    /// The namespace that is being emptied, and the quotas that count objects.
    fn notice_surroundings(&mut self, change: &Change) {
        let key = &change.key;
        if !key.kind.namespaced {
            return;
        }
        if change.removed {
            let namespace = Key::new(&NAMESPACE, "", &key.namespace);
            if self.storage.get(&namespace).is_some_and(|found| is_terminating(found)) {
                self.wake(Controller::Namespace, namespace, Duration::ZERO);
            }
        }
        if *key.kind != QUOTA && *key.kind != EVENT && (change.removed || change.before.is_null()) {
            self.wake_quotas(&key.namespace);
        }
    }
}

fn controller_of(owner: &Value) -> Option<(Controller, &'static Kind)> {
    match text(&owner["kind"]) {
        "ReplicaSet" => Some((Controller::ReplicaSet, &REPLICA_SET)),
        "Deployment" => Some((Controller::Deployment, &DEPLOYMENT)),
        "StatefulSet" => Some((Controller::StatefulSet, &STATEFUL_SET)),
        "Job" => Some((Controller::Job, &JOB)),
        "Service" => Some((Controller::Endpoints, &SERVICE)),
        _ => None,
    }
}

/// Where an owner is to be found, if its kind is known here.
pub(super) fn owner_key(owner: &Value, namespace: &str) -> Option<Key> {
    let kind = find_by_name(text(&owner["apiVersion"]), text(&owner["kind"]))?;
    let namespace = if kind.namespaced { namespace } else { "" };
    Some(Key::new(kind, namespace, text(&owner["name"])))
}
