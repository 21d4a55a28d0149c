use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::run::TRACKING;
use crate::{
    controllers::replica_set::{is_active, is_ready},
    object::{has_finalizer, int, is_terminating, items, moment, text, uid},
};

/// A Job's Pods, counted.
pub(super) struct Tally {
    pub active: Vec<Arc<Value>>,
    pub ready: usize,
    /// On their way out, not yet gone.
    pub terminating: usize,
    /// Over, but not yet in the Job's counters.
    pub fresh: Vec<(Arc<Value>, bool)>,
    pub succeeded: i64,
    pub failed: i64,
    pub restarts: i64,
    pub last_failure: Option<Timestamp>,
}

impl Tally {
    pub fn of(job: &Value, pods: &[Arc<Value>]) -> Self {
        let fresh: Vec<(Arc<Value>, bool)> = pods
            .iter()
            .filter(|pod| has_finalizer(pod, TRACKING))
            .filter_map(|pod| Some((Arc::clone(pod), outcome(pod)?)))
            .collect();
        let new = |well: bool| fresh.iter().filter(|(_, outcome)| *outcome == well).count() as i64;
        let failures = pods.iter().filter(|pod| outcome(pod) == Some(false));
        Self {
            active: pods.iter().filter(|pod| is_active(pod)).cloned().collect(),
            ready: pods.iter().filter(|pod| is_active(pod) && is_ready(pod)).count(),
            terminating: pods.iter().filter(|pod| is_leaving(pod)).count(),
            succeeded: int(&job["status"]["succeeded"]) + new(true),
            failed: int(&job["status"]["failed"]) + new(false),
            restarts: pods.iter().map(|pod| restarts(pod)).sum(),
            last_failure: failures.filter_map(|pod| ended(pod)).max(),
            fresh,
        }
    }

    /// The uids of those that are over and not yet counted, as the status shows them.
    pub fn uncounted(&self) -> Value {
        let mut lists = json!({});
        for (field, well) in [("succeeded", true), ("failed", false)] {
            let uids: Vec<&str> = self
                .fresh
                .iter()
                .filter(|(_, outcome)| *outcome == well)
                .map(|(pod, _)| uid(pod))
                .collect();
            if !uids.is_empty() {
                lists[field] = json!(uids);
            }
        }
        lists
    }
}

/// Whether a Pod has ended well; none if it has not ended. One that is deleted while it runs fails.
fn outcome(pod: &Value) -> Option<bool> {
    match text(&pod["status"]["phase"]) {
        "Succeeded" => Some(true),
        "Failed" => Some(false),
        _ => is_terminating(pod).then_some(false),
    }
}

fn is_leaving(pod: &Value) -> bool {
    let over = matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed");
    is_terminating(pod) && !over
}

fn restarts(pod: &Value) -> i64 {
    let containers = items(&pod["status"]["containerStatuses"]).iter();
    containers.map(|container| int(&container["restartCount"])).sum()
}

fn ended(pod: &Value) -> Option<Timestamp> {
    items(&pod["status"]["containerStatuses"])
        .iter()
        .filter_map(|container| moment(&container["state"]["terminated"]["finishedAt"]))
        .max()
}
