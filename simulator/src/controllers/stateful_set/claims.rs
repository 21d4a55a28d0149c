use serde_json::{Value, json};

use super::{
    pods::{COMPONENT, claim_name, ordinal},
    set::Set,
};
use crate::{
    controllers::{CONTROLLER, events::Note},
    kinds::{CLAIM, STATEFUL_SET},
    object::{entries, items, key, map_mut, name, namespace, uid},
    state::State,
    status_error::Result,
    storage::Key,
};

impl State {
    /// Makes the claims of the Pod of that number that are not there.
    pub(super) fn ensure_claims(&mut self, set: &Value, number: i64) -> Result<()> {
        for template in items(&set["spec"]["volumeClaimTemplates"]) {
            let claim_name = claim_name(template, set, number);
            if self.get(&Key::new(&CLAIM, namespace(set), &claim_name)).is_some() {
                continue;
            }
            let claim = claim(template, set, &claim_name);
            self.create(&CLAIM, namespace(set), claim, &CONTROLLER)?;
            let message = format!(
                "Create Claim {claim_name} Pod {0}-{number} in StatefulSet {0} success",
                name(set)
            );
            self.tell(set, &Note::normal(COMPONENT, "SuccessfulCreate", message));
        }
        Ok(())
    }

    /// Lets the claims of a Pod that is scaled away go with it, if the set says so.
    pub(super) fn give_up_claims(&mut self, set: &Set, pod: &Value) {
        let spec = &set.object["spec"];
        if spec["persistentVolumeClaimRetentionPolicy"]["whenScaled"] != "Delete" {
            return;
        }
        for template in items(&spec["volumeClaimTemplates"]) {
            let claim_name = claim_name(template, &set.object, ordinal(pod).unwrap_or_default());
            let place = Key::new(&CLAIM, namespace(pod), &claim_name);
            if let Some(claim) = self.get(&place) {
                let mut next = (*claim).clone();
                next["metadata"]["ownerReferences"] = json!([{
                    "apiVersion": "v1", "kind": "Pod", "name": name(pod), "uid": uid(pod),
                }]);
                self.write(&key(&CLAIM, &claim), next, &CONTROLLER);
            }
        }
    }
}

fn claim(template: &Value, set: &Value, claim_name: &str) -> Value {
    let mut metadata = template["metadata"].clone();
    metadata["name"] = json!(claim_name);
    for (label, value) in entries(&set["spec"]["selector"]["matchLabels"]) {
        map_mut(&mut metadata["labels"]).insert(label.clone(), value.clone());
    }
    if set["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete" {
        metadata["ownerReferences"] = json!([{
            "apiVersion": STATEFUL_SET.api_version(),
            "kind": STATEFUL_SET.name,
            "name": name(set),
            "uid": uid(set),
        }]);
    }
    json!({"metadata": metadata, "spec": template["spec"]})
}
