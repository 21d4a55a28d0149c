use jiff::Timestamp;
use serde_json::{Value, json};

use super::set::{Set, revision_label};
use crate::{
    controllers::{
        MANAGER,
        replica_set::{available_from, is_ready, put_counts},
    },
    object::{int, is_terminating},
    state::State,
    storage::Key,
};

impl State {
    /// Brings the status up to date; when the next Pod becomes available.
    pub(super) fn report_stateful_set(&mut self, key: &Key, set: &Set) -> Option<Timestamp> {
        let object = self.get(key)?;
        let pods = self.pods_of(&object);
        let of_revision = |revision: &str| {
            pods.iter()
                .filter(|pod| !is_terminating(pod) && revision_label(pod) == revision)
                .count()
        };
        let updated = of_revision(&set.update);
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        let min_ready = int(&object["spec"]["minReadySeconds"]);
        let maturities: Vec<Timestamp> =
            pods.iter().filter_map(|pod| available_from(pod, min_ready)).collect();
        let available = maturities.iter().filter(|at| **at <= self.now).count();

        let is_renewed = i64::try_from(updated) == Ok(int(&object["spec"]["replicas"]))
            && updated == pods.len()
            && ready == updated;
        let current = if is_renewed { &set.update } else { &set.current };
        let mut status = json!({
            "observedGeneration": object["metadata"]["generation"],
            "replicas": pods.len(),
            "currentRevision": current,
            "updateRevision": set.update,
            "collisionCount": 0,
            "availableReplicas": available,
        });
        put_counts(
            &mut status,
            &[
                ("readyReplicas", ready),
                ("currentReplicas", of_revision(current)),
                ("updatedReplicas", updated),
            ],
        );
        if object["status"]["conditions"] != Value::Null {
            status["conditions"] = object["status"]["conditions"].clone();
        }
        self.set_status(key, status, MANAGER);
        maturities.into_iter().filter(|at| *at > self.now).min()
    }
}
