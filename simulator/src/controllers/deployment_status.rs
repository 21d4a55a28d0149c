//! What a Deployment says of itself.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MANAGER, deployment::Rollout, rolling::limits};
use crate::{
    object::{after, condition, int, items, moment, name, seconds, text},
    state::State,
    storage::Key,
};

impl State {
    /// Brings the status up to date; `judges` whether it progresses, unless it is only rescaled.
    pub(super) fn report_rollout(&mut self, key: &Key, judges: bool) -> Option<Timestamp> {
        let rollout = self.rollout(key)?;
        let mut status = counters(&rollout);
        status["conditions"] = rollout.deployment["status"]["conditions"].clone();
        self.judge_availability(&rollout, &mut status);
        self.copy_failure(&rollout, &mut status);
        if judges {
            self.judge_progress(&rollout, &mut status);
        }
        self.set_status(key, status, MANAGER);
        self.deadline(key)
    }

    pub(super) fn is_complete(&self, rollout: &Rollout) -> bool {
        is_complete(&counters(rollout), rollout)
    }

    pub(super) fn note_new_set(&self, deployment: &mut Value, set: &str) {
        let message = format!("Created new replica set {set:?}");
        let mut status = deployment["status"].take();
        let verdict = ("Progressing", "True", "NewReplicaSetCreated", message.as_str());
        self.put_condition(&mut status, verdict);
        deployment["status"] = status;
    }

    fn judge_availability(&self, rollout: &Rollout, status: &mut Value) {
        let least = rollout.wanted() - limits(&rollout.deployment).unavailable;
        let verdict = if int(&status["availableReplicas"]) >= least {
            (
                "Available",
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
            )
        } else {
            let message = "Deployment does not have minimum availability.";
            ("Available", "False", "MinimumReplicasUnavailable", message)
        };
        self.put_condition(status, verdict);
    }

    fn judge_progress(&self, rollout: &Rollout, status: &mut Value) {
        let former = condition(&rollout.deployment, "Progressing").clone();
        let set = rollout.new.as_ref().map(|set| name(set).to_owned()).unwrap_or_default();
        let settled = int(&status["replicas"]) == int(&status["updatedReplicas"])
            && former["reason"] == "NewReplicaSetAvailable";
        if settled {
            return;
        }
        if is_complete(status, rollout) {
            let message = format!("ReplicaSet {set:?} has successfully progressed.");
            self.put_condition(status, ("Progressing", "True", "NewReplicaSetAvailable", &message));
        } else if has_progressed(&rollout.deployment["status"], status) {
            drop_condition(status, "Progressing");
            let message = format!("ReplicaSet {set:?} is progressing.");
            self.put_condition(status, ("Progressing", "True", "ReplicaSetUpdated", &message));
            if former["status"] == "True"
                && let Some(conditions) = status["conditions"].as_array_mut()
                && let Some(latest) = conditions.last_mut()
            {
                latest["lastTransitionTime"] = former["lastTransitionTime"].clone();
            }
        } else if self.is_late(&rollout.deployment) {
            let message = format!("ReplicaSet {set:?} has timed out progressing.");
            let verdict = ("Progressing", "False", "ProgressDeadlineExceeded", message.as_str());
            self.put_condition(status, verdict);
        }
    }

    fn copy_failure(&self, rollout: &Rollout, status: &mut Value) {
        drop_condition(status, "ReplicaFailure");
        let failure =
            rollout.all().map(|set| condition(set, "ReplicaFailure")).find(|c| !c.is_null());
        if let (Some(failure), Some(conditions)) = (failure, status["conditions"].as_array_mut()) {
            let mut copy = failure.clone();
            copy["lastUpdateTime"] = copy["lastTransitionTime"].clone();
            conditions.push(copy);
        }
    }

    fn put_condition(&self, status: &mut Value, verdict: (&str, &str, &str, &str)) {
        let (kind, value, reason, message) = verdict;
        let former = condition(&json!({"status": status}), kind).clone();
        if former["status"] == value && former["reason"] == reason {
            return;
        }
        let now = json!(seconds(self.now));
        let since = if former["status"] == value {
            former["lastTransitionTime"].clone()
        } else {
            now.clone()
        };
        drop_condition(status, kind);
        if !status["conditions"].is_array() {
            status["conditions"] = json!([]);
        }
        if let Some(conditions) = status["conditions"].as_array_mut() {
            conditions.push(json!({
                "type": kind,
                "status": value,
                "lastUpdateTime": now,
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            }));
        }
    }

    fn is_late(&self, deployment: &Value) -> bool {
        let progressing = condition(deployment, "Progressing");
        progressing["reason"] == "ProgressDeadlineExceeded"
            || deadline_of(deployment).is_some_and(|deadline| deadline <= self.now)
    }

    /// When to look whether a rollout has made progress.
    fn deadline(&self, key: &Key) -> Option<Timestamp> {
        let deployment = self.get(key)?;
        deadline_of(&deployment).filter(|deadline| *deadline > self.now)
    }
}

fn deadline_of(deployment: &Value) -> Option<Timestamp> {
    let progressing = condition(deployment, "Progressing");
    let settled = ["NewReplicaSetAvailable", "ProgressDeadlineExceeded"];
    if settled.contains(&text(&progressing["reason"])) {
        return None;
    }
    let limit = int(&deployment["spec"]["progressDeadlineSeconds"]);
    Some(after(moment(&progressing["lastUpdateTime"])?, limit))
}

fn counters(rollout: &Rollout) -> Value {
    let mut status = json!({
        "observedGeneration": rollout.deployment["metadata"]["generation"],
        "terminatingReplicas": rollout.sum("terminatingReplicas"),
    });
    let updated = rollout.new.as_ref().map_or(0, |set| int(&set["status"]["replicas"]));
    let available = rollout.sum("availableReplicas");
    for (field, count) in [
        ("replicas", rollout.sum("replicas")),
        ("updatedReplicas", updated),
        ("readyReplicas", rollout.sum("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", rollout.planned() - available),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    status
}

fn is_complete(status: &Value, rollout: &Rollout) -> bool {
    let wanted = rollout.wanted();
    ["updatedReplicas", "replicas", "availableReplicas"]
        .iter()
        .all(|counter| int(&status[*counter]) == wanted)
}

fn has_progressed(before: &Value, after: &Value) -> bool {
    let old_ones = |status: &Value| int(&status["replicas"]) - int(&status["updatedReplicas"]);
    let grew = |counter: &str| int(&after[counter]) > int(&before[counter]);
    grew("updatedReplicas")
        || old_ones(after) < old_ones(before)
        || grew("readyReplicas")
        || grew("availableReplicas")
}

fn drop_condition(status: &mut Value, kind: &str) {
    let kept: Vec<Value> = items(&status["conditions"])
        .iter()
        .filter(|condition| condition["type"] != kind)
        .cloned()
        .collect();
    status["conditions"] = json!(kept);
}
