//! Deployments: which ReplicaSet is the new one, and what its revision is.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTROLLER, MANAGER, events::Note, rolling};
use crate::{
    ids::hash_of_template,
    kinds::{DEPLOYMENT, REPLICA_SET},
    object::{
        annotation, controller_reference, entries, int, is_controlled_by, is_terminating, key,
        name, namespace, remove, text,
    },
    ownership::Writer,
    state::State,
    storage::Key,
    write::Propagation,
};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
/// The numbers that a ReplicaSet had before it was taken up again.
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A Deployment and its ReplicaSets, oldest first.
pub(super) struct Rollout {
    pub deployment: Arc<Value>,
    pub new: Option<Arc<Value>>,
    pub old: Vec<Arc<Value>>,
}

impl Rollout {
    pub fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new)
    }

    pub fn wanted(&self) -> i64 {
        int(&self.deployment["spec"]["replicas"])
    }

    /// A counter of the ReplicaSets' statuses, summed up.
    pub fn sum(&self, counter: &str) -> i64 {
        self.all().map(|set| int(&set["status"][counter])).sum()
    }

    pub fn planned(&self) -> i64 {
        self.all().map(|set| int(&set["spec"]["replicas"])).sum()
    }
}

impl State {
    /// Takes a Deployment one step on.
    pub(super) fn roll_out(&mut self, key: &Key) -> Option<Timestamp> {
        let rollout = self.rollout(key)?;
        if is_terminating(&rollout.deployment) {
            return None;
        }
        if rolling::is_rescaled(&rollout) {
            self.rescale(&rollout);
            return self.report_rollout(key, false);
        }
        if rollout.deployment["spec"]["paused"] == true {
            return self.report_rollout(key, false);
        }
        let recreate = rollout.deployment["spec"]["strategy"]["type"] == "Recreate";
        if recreate {
            self.recreate(key, &rollout);
        } else {
            self.ensure_new_set(&rollout);
            if let Some(rollout) = self.rollout(key) {
                self.roll(&rollout);
            }
        }
        let due = self.report_rollout(key, true);
        if let Some(rollout) = self.rollout(key) {
            self.forget_old_sets(&rollout);
        }
        due
    }

    pub(super) fn rollout(&self, key: &Key) -> Option<Rollout> {
        let deployment = self.get(key)?;
        let mut sets: Vec<Arc<Value>> = self
            .storage
            .list(&REPLICA_SET, Some(&key.namespace))
            .filter(|(_, set)| is_controlled_by(set, &deployment))
            .map(|(_, set)| Arc::clone(set))
            .collect();
        sets.sort_by_key(|set| {
            (text(&set["metadata"]["creationTimestamp"]).to_owned(), revision(set))
        });
        let place = sets.iter().position(|set| has_template_of(set, &deployment));
        let new = place.map(|index| sets.remove(index));
        Some(Rollout { deployment, new, old: sets })
    }

    fn recreate(&mut self, key: &Key, rollout: &Rollout) {
        for set in rollout.old.iter().filter(|set| int(&set["spec"]["replicas"]) > 0) {
            self.scale_set(rollout, set, 0);
        }
        let running = |set: &Arc<Value>| {
            int(&set["status"]["replicas"]) + int(&set["status"]["terminatingReplicas"])
        };
        if rollout.old.iter().map(running).sum::<i64>() > 0 {
            return;
        }
        self.ensure_new_set(rollout);
        if let Some(rollout) = self.rollout(key)
            && let Some(new) = &rollout.new
        {
            self.scale_set(&rollout, new, rollout.wanted());
        }
    }

    /// Makes the ReplicaSet of the present template, or takes up an earlier one again.
    fn ensure_new_set(&mut self, rollout: &Rollout) {
        let latest = rollout.old.iter().map(|set| revision(set)).max().unwrap_or_default();
        let number = (latest + 1).to_string();
        match &rollout.new {
            None => self.make_set(rollout, &number),
            Some(new) => {
                let mut next = (**new).clone();
                if revision(new) <= latest {
                    let history = [annotation(new, HISTORY), annotation(new, REVISION)];
                    let history: Vec<&str> =
                        history.into_iter().filter(|h| !h.is_empty()).collect();
                    next["metadata"]["annotations"][HISTORY] = json!(history.join(","));
                    next["metadata"]["annotations"][REVISION] = json!(number);
                }
                annotate(&mut next, rollout);
                let current = annotation(&next, REVISION).to_owned();
                self.write(&key(&REPLICA_SET, new), next, &CONTROLLER);
                self.note_revision(rollout, &current, None);
            }
        }
    }

    fn make_set(&mut self, rollout: &Rollout, number: &str) {
        let deployment = &rollout.deployment;
        let hash = hash_of_template(&deployment["spec"]["template"]);
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"][HASH] = json!(hash);
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH] = json!(hash);
        let replicas = rolling::size_of_new_set(rollout);
        let mut spec = json!({"replicas": replicas, "selector": selector, "template": template});
        if !deployment["spec"]["minReadySeconds"].is_null() {
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"].clone();
        }
        let set_name = format!("{}-{hash}", name(deployment));
        let mut set = json!({
            "metadata": {
                "name": set_name,
                "labels": template["metadata"]["labels"],
                "annotations": {REVISION: number},
                "ownerReferences": [controller_reference(&DEPLOYMENT, deployment)],
            },
            "spec": spec,
        });
        annotate(&mut set, rollout);
        if let Err(refusal) = self.create(&REPLICA_SET, namespace(deployment), set, &CONTROLLER) {
            let message =
                format!("Failed to create new replica set {set_name:?}: {}", refusal.message());
            let note = Note::warning("deployment-controller", "ReplicaSetCreateError", message);
            return self.tell(deployment, &note);
        }
        if replicas > 0 {
            self.tell_scaling(deployment, &set_name, 0, replicas);
        }
        self.note_revision(rollout, number, Some(&set_name));
    }

    /// Writes the revision, and that a ReplicaSet has been made for it, beside the status.
    fn note_revision(&mut self, rollout: &Rollout, number: &str, made: Option<&str>) {
        let mut next = (*rollout.deployment).clone();
        next["metadata"]["annotations"][REVISION] = json!(number);
        if let Some(set) = made {
            self.note_new_set(&mut next, set);
        }
        self.write(&key(&DEPLOYMENT, &rollout.deployment), next, &Writer::status(MANAGER));
    }

    pub(super) fn scale_set(&mut self, rollout: &Rollout, set: &Value, replicas: i64) {
        let mut next = set.clone();
        annotate(&mut next, rollout);
        let before = int(&set["spec"]["replicas"]);
        next["spec"]["replicas"] = json!(replicas);
        self.write(&key(&REPLICA_SET, set), next, &CONTROLLER);
        if before != replicas {
            self.tell_scaling(&rollout.deployment, name(set), before, replicas);
        }
    }

    fn tell_scaling(&mut self, deployment: &Value, set: &str, from: i64, to: i64) {
        let direction = if from < to { "up" } else { "down" };
        let message = format!("Scaled {direction} replica set {set} from {from} to {to}");
        self.tell(deployment, &Note::normal("deployment-controller", "ScalingReplicaSet", message));
    }

    fn forget_old_sets(&mut self, rollout: &Rollout) {
        let limit = int(&rollout.deployment["spec"]["revisionHistoryLimit"]);
        let idle: Vec<&Arc<Value>> = rollout
            .old
            .iter()
            .filter(|set| {
                int(&set["spec"]["replicas"]) == 0
                    && int(&set["status"]["replicas"]) == 0
                    && !is_terminating(set)
            })
            .collect();
        let surplus = idle.len().saturating_sub(usize::try_from(limit).unwrap_or_default());
        if surplus > 0 && self.is_complete(rollout) {
            for set in idle.into_iter().take(surplus) {
                self.discard(&key(&REPLICA_SET, set), Propagation::Background);
            }
        }
    }
}

/// Carries the Deployment's annotations and sizes over to a ReplicaSet.
fn annotate(set: &mut Value, rollout: &Rollout) {
    let deployment = &rollout.deployment;
    for (name, value) in entries(&deployment["metadata"]["annotations"]) {
        if !matches!(name.as_str(), REVISION | HISTORY | DESIRED | MAXIMUM | LAST_APPLIED) {
            set["metadata"]["annotations"][name.as_str()] = value.clone();
        }
    }
    let most = rollout.wanted() + rolling::limits(deployment).surge;
    set["metadata"]["annotations"][DESIRED] = json!(rollout.wanted().to_string());
    set["metadata"]["annotations"][MAXIMUM] = json!(most.to_string());
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).parse().unwrap_or_default()
}

fn has_template_of(set: &Value, deployment: &Value) -> bool {
    let bare = |owner: &Value| {
        let mut template = owner["spec"]["template"].clone();
        remove(&mut template["metadata"]["labels"], HASH);
        template
    };
    bare(set) == bare(deployment)
}
