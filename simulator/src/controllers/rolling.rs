//! How many replicas each ReplicaSet of a Deployment is to have.

use std::sync::Arc;

use serde_json::Value;

use super::deployment::{DESIRED, MAXIMUM, Rollout};
use crate::{
    object::{annotation, int, text},
    state::State,
};

/// How far a rolling update may stray from the wanted number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub surge: i64,
    pub unavailable: i64,
}

pub(super) fn limits(deployment: &Value) -> Limits {
    let strategy = &deployment["spec"]["strategy"];
    if strategy["type"] != "RollingUpdate" {
        return Limits { surge: 0, unavailable: 0 };
    }
    let wanted = int(&deployment["spec"]["replicas"]);
    let share = |value: &Value, round_up: bool| match text(value).strip_suffix('%') {
        Some(percent) => {
            let share = percent.parse::<i64>().unwrap_or_default() * wanted;
            if round_up { (share + 99) / 100 } else { share / 100 }
        }
        None => int(value),
    };
    let surge = share(&strategy["rollingUpdate"]["maxSurge"], true);
    let unavailable = share(&strategy["rollingUpdate"]["maxUnavailable"], false).min(wanted);
    if surge == 0 && unavailable == 0 {
        return Limits { surge: 0, unavailable: 1 };
    }
    Limits { surge, unavailable }
}

/// Whether the Deployment's replicas have changed since its ReplicaSets were last sized.
pub(super) fn is_rescaled(rollout: &Rollout) -> bool {
    let wanted = rollout.wanted().to_string();
    rollout
        .all()
        .filter(|set| int(&set["spec"]["replicas"]) > 0)
        .any(|set| annotation(set, DESIRED) != wanted)
}

/// The replicas of the new ReplicaSet, as many as the surge allows.
pub(super) fn size_of_new_set(rollout: &Rollout) -> i64 {
    let wanted = rollout.wanted();
    let current = rollout.new.as_ref().map_or(0, |set| int(&set["spec"]["replicas"]));
    if rollout.deployment["spec"]["strategy"]["type"] != "RollingUpdate" {
        return wanted;
    }
    let room = wanted + limits(&rollout.deployment).surge - rollout.planned();
    current + room.min(wanted - current).max(0)
}

impl State {
    /// One step of a rolling update: the new one up, or else the old ones down.
    pub(super) fn roll(&mut self, rollout: &Rollout) {
        let Some(new) = &rollout.new else { return };
        let current = int(&new["spec"]["replicas"]);
        let size =
            if current > rollout.wanted() { rollout.wanted() } else { size_of_new_set(rollout) };
        if size != current {
            return self.scale_set(rollout, new, size);
        }
        let unavailable_new = current - int(&new["status"]["availableReplicas"]);
        let least = rollout.wanted() - limits(&rollout.deployment).unavailable;
        let mut surplus = rollout.planned() - least - unavailable_new;
        let mut available = rollout.sum("availableReplicas") - least;
        for set in &rollout.old {
            let replicas = int(&set["spec"]["replicas"]);
            let healthy = int(&set["status"]["availableReplicas"]).min(replicas);
            let unhealthy = (replicas - healthy).min(surplus).max(0);
            let spared = healthy.min(available).min(surplus - unhealthy).max(0);
            if unhealthy + spared > 0 {
                surplus -= unhealthy + spared;
                available -= spared;
                self.scale_set(rollout, set, replicas - unhealthy - spared);
            }
        }
    }

    /// Follows a change of the Deployment's replicas.
    pub(super) fn rescale(&mut self, rollout: &Rollout) {
        let active: Vec<&Arc<Value>> =
            rollout.all().filter(|set| int(&set["spec"]["replicas"]) > 0).collect();
        let only = match active.as_slice() {
            [] => rollout.new.as_ref(),
            [one] => Some(*one),
            _ => None,
        };
        if let Some(set) = only {
            return self.scale_set(rollout, set, rollout.wanted());
        }
        let allowed = match rollout.wanted() {
            0 => 0,
            wanted => wanted + limits(&rollout.deployment).surge,
        };
        let mut left =
            allowed - active.iter().map(|set| int(&set["spec"]["replicas"])).sum::<i64>();
        for set in active.iter().rev() {
            let replicas = int(&set["spec"]["replicas"]);
            let share = share_of(set, replicas, allowed) - replicas;
            let change = if left > 0 { share.clamp(0, left) } else { share.clamp(left, 0) };
            left -= change;
            self.scale_set(rollout, set, (replicas + change).max(0));
        }
    }
}

/// A ReplicaSet's part of the allowed replicas, as large as its part of the former ones.
fn share_of(set: &Value, replicas: i64, allowed: i64) -> i64 {
    let former = annotation(set, MAXIMUM).parse::<i64>().unwrap_or(replicas).max(1);
    (replicas * allowed * 2 + former) / (former * 2)
}
