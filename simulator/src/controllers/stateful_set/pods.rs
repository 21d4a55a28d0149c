use jiff::Timestamp;
use serde_json::{Value, json};

use super::set::Set;
use crate::{
    clock::later,
    controllers::{CONTROLLER, events::Note, replica_set::pod_from_template},
    kinds::{POD, STATEFUL_SET},
    object::{controller_reference, items, key, name, namespace, remove, text},
    state::State,
    write::Propagation,
};

pub(super) const COMPONENT: &str = "statefulset-controller";

impl State {
    /// Makes the Pod of that number and its claims; when to try again if that is refused.
    pub(super) fn add_numbered_pod(&mut self, set: &Set, number: i64) -> Option<Timestamp> {
        let pod = self.numbered_pod(set, number);
        let pod_name = name(&pod).to_owned();
        let object = &set.object;
        let made = self
            .ensure_claims(object, number)
            .and_then(|()| self.create(&POD, namespace(object), pod, &CONTROLLER));
        match made {
            Ok(_) => {
                let message =
                    format!("Create Pod {pod_name} in StatefulSet {} successful", name(object));
                self.tell(object, &Note::normal(COMPONENT, "SuccessfulCreate", message));
                None
            }
            Err(refusal) => {
                let message = format!(
                    "create Pod {pod_name} in StatefulSet {} failed error: {}",
                    name(object),
                    refusal.message()
                );
                self.tell(object, &Note::warning(COMPONENT, "FailedCreate", message));
                Some(later(self.now, self.timing.retry))
            }
        }
    }

    pub(super) fn remove_numbered_pod(&mut self, set: &Set, pod: &Value) {
        self.discard(&key(&POD, pod), Propagation::Background);
        let message =
            format!("Delete Pod {} in StatefulSet {} successful", name(pod), name(&set.object));
        let note = Note::normal(COMPONENT, "SuccessfulDelete", message);
        self.tell(&set.object, &note);
    }

    fn numbered_pod(&self, set: &Set, number: i64) -> Value {
        let owner = self.at_revision(&set.object, set.revision_of(number));
        let mut pod = pod_from_template(&owner, &controller_reference(&STATEFUL_SET, &set.object));
        let pod_name = format!("{}-{number}", name(&set.object));
        let metadata = &mut pod["metadata"];
        metadata["name"] = json!(pod_name);
        metadata["labels"]["apps.kubernetes.io/pod-index"] = json!(number.to_string());
        metadata["labels"]["controller-revision-hash"] = json!(set.revision_of(number));
        metadata["labels"]["statefulset.kubernetes.io/pod-name"] = json!(pod_name);
        let spec = &mut pod["spec"];
        spec["hostname"] = json!(pod_name);
        spec["subdomain"] = owner["spec"]["serviceName"].clone();
        spec["volumes"] = volumes(&owner, number);
        pod
    }

    /// The set with the template of one of its revisions.
    fn at_revision(&self, set: &Value, revision: &str) -> Value {
        let mut owner = set.clone();
        if let Some(template) = self.template_of(set, revision) {
            owner["spec"]["template"] = template;
            remove(&mut owner["spec"]["template"], "$patch");
        }
        owner
    }
}

/// The number at the end of a Pod's name.
pub(super) fn ordinal(pod: &Value) -> Option<i64> {
    name(pod).rsplit('-').next()?.parse().ok()
}

pub(super) fn claim_name(template: &Value, set: &Value, number: i64) -> String {
    format!("{}-{}-{number}", name(template), name(set))
}

/// A volume for each claim template, and those of the Pod template under other names.
fn volumes(set: &Value, number: i64) -> Value {
    let claims = items(&set["spec"]["volumeClaimTemplates"]);
    let own = claims.iter().map(|claim| {
        let claim_name = claim_name(claim, set, number);
        json!({"name": name(claim), "persistentVolumeClaim": {"claimName": claim_name}})
    });
    let others = items(&set["spec"]["template"]["spec"]["volumes"]).iter();
    let others =
        others.filter(|volume| !claims.iter().any(|claim| name(claim) == text(&volume["name"])));
    own.chain(others.cloned()).collect()
}
