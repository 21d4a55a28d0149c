use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::pods::ordinal;
use crate::{
    controllers::replica_set::is_ready,
    object::{int, is_terminating, text},
    state::State,
    storage::Key,
};

/// A StatefulSet and its Pods by number.
pub(super) struct Set {
    pub object: Arc<Value>,
    pub pods: Vec<(i64, Arc<Value>)>,
    /// The name of the revision of the present template.
    pub update: String,
    /// The name of the revision that Pods below the partition have.
    pub current: String,
}

impl Set {
    pub fn pod(&self, number: i64) -> Option<&Arc<Value>> {
        let found = self.pods.iter().find(|(own, _)| *own == number);
        found.map(|(_, pod)| pod)
    }

    /// The numbers its Pods are to have.
    pub fn numbers(&self) -> std::ops::Range<i64> {
        let spec = &self.object["spec"];
        let start = int(&spec["ordinals"]["start"]);
        start..start + int(&spec["replicas"])
    }

    pub fn is_ordered(&self) -> bool {
        self.object["spec"]["podManagementPolicy"] != "Parallel"
    }

    /// The revision for a Pod of that number.
    pub fn revision_of(&self, number: i64) -> &str {
        if number < self.partition() { &self.current } else { &self.update }
    }

    fn partition(&self) -> i64 {
        let strategy = &self.object["spec"]["updateStrategy"];
        self.numbers().start + int(&strategy["rollingUpdate"]["partition"])
    }

    fn rolls(&self) -> bool {
        self.object["spec"]["updateStrategy"]["type"] != "OnDelete"
    }
}

impl State {
    /// Takes a StatefulSet one step on.
    pub(in crate::controllers) fn keep_stateful_set(&mut self, key: &Key) -> Option<Timestamp> {
        let object = self.get(key)?;
        if is_terminating(&object) {
            return None;
        }
        let update = self.ensure_revision(&object);
        let mut pods: Vec<(i64, Arc<Value>)> = self
            .pods_of(&object)
            .into_iter()
            .filter_map(|pod| Some((ordinal(&pod)?, pod)))
            .collect();
        pods.sort_by_key(|(number, _)| *number);
        let current = match text(&object["status"]["currentRevision"]) {
            "" => update.clone(),
            current => current.to_owned(),
        };
        let set = Set { object, pods, update, current };
        let retry = self.advance_set(&set);
        let due = self.report_stateful_set(key, &set);
        retry.into_iter().chain(due).min()
    }

    /// Fills up, shrinks and renews, one Pod at a time unless the set is parallel.
    fn advance_set(&mut self, set: &Set) -> Option<Timestamp> {
        for number in set.numbers() {
            match set.pod(number) {
                None => {
                    if let Some(retry) = self.add_numbered_pod(set, number) {
                        return Some(retry);
                    }
                    if set.is_ordered() {
                        return None;
                    }
                }
                Some(pod) if is_finished(pod) && !is_terminating(pod) => {
                    self.remove_numbered_pod(set, pod);
                    return None;
                }
                Some(pod) if set.is_ordered() && (is_terminating(pod) || !is_ready(pod)) => {
                    return None;
                }
                Some(_) => {}
            }
        }
        let numbers = set.numbers();
        let surplus = set.pods.iter().rev();
        for (_, pod) in surplus.filter(|(number, _)| !numbers.contains(number)) {
            if !is_terminating(pod) {
                self.give_up_claims(set, pod);
                self.remove_numbered_pod(set, pod);
            }
            if set.is_ordered() {
                return None;
            }
        }
        self.renew(set);
        None
    }

    /// Replaces the highest Pod of an older revision, once all above it are ready.
    fn renew(&mut self, set: &Set) {
        let due = |number: &i64| *number >= set.partition() && set.numbers().contains(number);
        for (_, pod) in set.pods.iter().rev().filter(|(number, _)| due(number)) {
            if !set.rolls() || is_terminating(pod) {
                return;
            }
            if revision_label(pod) != set.update {
                return self.remove_numbered_pod(set, pod);
            }
            if !is_ready(pod) {
                return;
            }
        }
    }
}

pub(super) fn revision_label(pod: &Value) -> &str {
    text(&pod["metadata"]["labels"]["controller-revision-hash"])
}

fn is_finished(pod: &Value) -> bool {
    matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed")
}
