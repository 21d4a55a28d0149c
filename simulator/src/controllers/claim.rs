//! Claims: bound once a Pod wants them, held as long as one has them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTROLLER, MANAGER, events::Note, queue::Controller};
use crate::{
    kinds::{CLAIM, POD},
    object::{annotation, is_terminating, items, text, uid},
    state::State,
    storage::Key,
};

pub(super) const PROTECTION: &str = "kubernetes.io/pvc-protection";
const ASKED: &str = "volume.kubernetes.io/storage-provisioner";
const PROVISIONER: &str = "disk.simulated";
const COMPONENT: &str = "persistentvolume-controller";

impl State {
    pub(super) fn tend_claim(&mut self, key: &Key) -> Option<Timestamp> {
        let claim = self.get(key)?;
        if is_terminating(&claim) {
            if !self.is_claimed(key) {
                self.release(key, PROTECTION);
            }
        } else if is_bound(&claim) || !annotation(&claim, ASKED).is_empty() {
            return None;
        } else {
            let message = "waiting for first consumer to be created before binding";
            let note = Note::normal(COMPONENT, "WaitForFirstConsumer", message.into());
            self.tell(&claim, &note);
            if self.is_claimed(key) {
                self.ask_for_volume(key, &claim);
            }
        }
        None
    }

    fn ask_for_volume(&mut self, key: &Key, claim: &Value) {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner \
             '{PROVISIONER}' or manually by the system administrator. If volume creation is \
             delayed, please verify that the provisioner is running and correctly registered."
        );
        let note = Note::normal(COMPONENT, "ExternalProvisioning", message);
        self.tell(claim, &note);
        let mut next = claim.clone();
        next["metadata"]["annotations"][ASKED] = json!(PROVISIONER);
        self.write(key, next, &CONTROLLER);
        if is_bindable(claim) {
            self.wake(Controller::Provisioner, key.clone(), self.timing.provision);
        }
    }

    /// Gives a claim its volume.
    pub(super) fn provision(&mut self, key: &Key) -> Option<Timestamp> {
        let claim = self.get(key)?;
        if is_bound(&claim) {
            return None;
        }
        let mut next = (*claim).clone();
        next["spec"]["volumeName"] = json!(format!("pvc-{}", uid(&claim)));
        let annotations = &mut next["metadata"]["annotations"];
        annotations["pv.kubernetes.io/bind-completed"] = json!("yes");
        annotations["pv.kubernetes.io/bound-by-controller"] = json!("yes");
        self.write(key, next, &CONTROLLER);
        let spec = &claim["spec"];
        let status = json!({
            "phase": "Bound",
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
        });
        self.set_status(key, status, MANAGER);
        None
    }

    /// What a Pod has to wait for before it can have a node.
    pub(super) fn obstacle_of_claims(&self, pod: &Value) -> Option<ClaimObstacle> {
        claims_of(pod).find_map(|key| match self.storage.get(&key) {
            None => Some(ClaimObstacle::Missing(key.name)),
            Some(claim) if is_bound(claim) => None,
            Some(claim) if is_bindable(claim) => Some(ClaimObstacle::NotYet),
            Some(_) => Some(ClaimObstacle::Never),
        })
    }

    fn is_claimed(&self, key: &Key) -> bool {
        let pods = self.storage.list(&POD, Some(&key.namespace));
        pods.filter(|(_, pod)| !matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed"))
            .any(|(_, pod)| claims_of(pod).any(|claim| claim == *key))
    }
}

#[derive(Debug)]
pub(super) enum ClaimObstacle {
    Missing(String),
    NotYet,
    Never,
}

/// The claims whose volumes a Pod mounts.
pub(super) fn claims_of(pod: &Value) -> impl Iterator<Item = Key> {
    items(&pod["spec"]["volumes"])
        .iter()
        .filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
        .map(|name| Key::new(&CLAIM, text(&pod["metadata"]["namespace"]), name))
}

fn is_bound(claim: &Value) -> bool {
    claim["status"]["phase"] == "Bound"
}

/// A storage class that contains `nobind` has no volumes.
fn is_bindable(claim: &Value) -> bool {
    !text(&claim["spec"]["storageClassName"]).contains("nobind")
}
