use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTROLLER, MANAGER, events::Note};
use crate::{
    clock::later,
    kinds::{POD, REPLICA_SET},
    object::{
        after, condition, controller_reference, int, is_controlled_by, is_terminating, key,
        map_mut, moment, name, namespace, seconds, text,
    },
    state::State,
    status_error::StatusError,
    storage::Key,
    write::Propagation,
};

const COMPONENT: &str = "replicaset-controller";

impl State {
    /// Keeps as many Pods as a ReplicaSet wants.
    pub(super) fn keep_replicas(&mut self, key: &Key) -> Option<Timestamp> {
        let set = self.get(key)?;
        let mut failure = None;
        if !is_terminating(&set) {
            let pods = self.pods_of(&set);
            let active: Vec<&Arc<Value>> = pods.iter().filter(|pod| is_active(pod)).collect();
            let wanted = usize::try_from(int(&set["spec"]["replicas"])).unwrap_or_default();
            if active.len() < wanted {
                failure = self.add_pods(&set, wanted - active.len()).err();
            } else {
                self.remove_pods(&set, active, wanted);
            }
        }
        self.report_replicas(key, failure)
    }

    /// The Pods that an object controls.
    pub(super) fn pods_of(&self, owner: &Value) -> Vec<Arc<Value>> {
        self.storage
            .list(&POD, Some(namespace(owner)))
            .filter(|(_, pod)| is_controlled_by(pod, owner))
            .map(|(_, pod)| Arc::clone(pod))
            .collect()
    }

    fn add_pods(&mut self, set: &Value, count: usize) -> Result<(), StatusError> {
        for _ in 0..count {
            let pod = pod_from_template(set, &controller_reference(&REPLICA_SET, set));
            match self.create(&POD, namespace(set), pod, &CONTROLLER) {
                Ok(pod) => {
                    let message = format!("Created pod: {}", name(&pod));
                    self.tell(set, &Note::normal(COMPONENT, "SuccessfulCreate", message));
                }
                Err(refusal) => {
                    let message = format!("Error creating: {}", refusal.message());
                    self.tell(set, &Note::warning(COMPONENT, "FailedCreate", message));
                    return Err(refusal);
                }
            }
        }
        Ok(())
    }

    fn remove_pods(&mut self, set: &Value, mut active: Vec<&Arc<Value>>, wanted: usize) {
        active.sort_by_key(|pod| worth(pod));
        let surplus = active.len() - wanted;
        for pod in active.into_iter().take(surplus) {
            self.discard(&key(&POD, pod), Propagation::Background);
            let message = format!("Deleted pod: {}", name(pod));
            self.tell(set, &Note::normal(COMPONENT, "SuccessfulDelete", message));
        }
    }

    fn report_replicas(&mut self, key: &Key, failure: Option<StatusError>) -> Option<Timestamp> {
        let set = self.get(key)?;
        let pods = self.pods_of(&set);
        let active: Vec<&Arc<Value>> = pods.iter().filter(|pod| is_active(pod)).collect();
        let ready = active.iter().filter(|pod| is_ready(pod)).count();
        let min_ready = int(&set["spec"]["minReadySeconds"]);
        let maturities: Vec<Timestamp> =
            active.iter().filter_map(|pod| available_from(pod, min_ready)).collect();
        let available = maturities.iter().filter(|at| **at <= self.now).count();

        let mut status = json!({
            "replicas": active.len(),
            "terminatingReplicas": pods.iter().filter(|pod| is_terminating(pod)).count(),
            "observedGeneration": set["metadata"]["generation"],
        });
        put_counts(
            &mut status,
            &[
                ("fullyLabeledReplicas", active.len()),
                ("readyReplicas", ready),
                ("availableReplicas", available),
            ],
        );
        if let Some(failure) = &failure {
            status["conditions"] = json!([self.failure_condition(&set, failure)]);
        }
        self.set_status(key, status, MANAGER);
        let retry = failure.map(|_| later(self.now, self.timing.retry));
        retry.or_else(|| maturities.into_iter().filter(|at| *at > self.now).min())
    }

    fn failure_condition(&self, set: &Value, failure: &StatusError) -> Value {
        let former = condition(set, "ReplicaFailure");
        if former["status"] == "True" {
            return former.clone();
        }
        json!({
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": seconds(self.now),
            "reason": "FailedCreate",
            "message": failure.message(),
        })
    }
}

/// A Pod as the template of its owner describes it.
pub(super) fn pod_from_template(owner: &Value, reference: &Value) -> Value {
    let template = &owner["spec"]["template"];
    let mut metadata = template["metadata"].clone();
    map_mut(&mut metadata).remove("name");
    metadata["generateName"] = json!(format!("{}-", name(owner)));
    metadata["ownerReferences"] = json!([reference]);
    json!({"metadata": metadata, "spec": template["spec"]})
}

/// Puts the counters that are not zero, as the real server does.
pub(super) fn put_counts(status: &mut Value, counts: &[(&str, usize)]) {
    for (field, count) in counts.iter().filter(|(_, count)| *count > 0) {
        status[*field] = json!(count);
    }
}

pub(super) fn is_active(pod: &Value) -> bool {
    !is_terminating(pod) && !matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed")
}

pub(super) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready")["status"] == "True"
}

/// When a ready Pod counts as available.
pub(super) fn available_from(pod: &Value, min_ready_seconds: i64) -> Option<Timestamp> {
    let ready = condition(pod, "Ready");
    if ready["status"] != "True" {
        return None;
    }
    Some(after(moment(&ready["lastTransitionTime"])?, min_ready_seconds))
}

/// The least is deleted first: unscheduled before scheduled, pending before running, unready before
/// ready, young before old.
fn worth(pod: &Value) -> (bool, bool, bool, std::cmp::Reverse<String>, String) {
    let created = text(&pod["metadata"]["creationTimestamp"]).to_owned();
    (
        !text(&pod["spec"]["nodeName"]).is_empty(),
        pod["status"]["phase"] == "Running",
        is_ready(pod),
        std::cmp::Reverse(created),
        name(pod).to_owned(),
    )
}
