use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTROLLER, queue::owner_key};
use crate::{
    object::{has_finalizer, is_terminating, items, text, uid},
    state::State,
    storage::Key,
    write::{DeleteOptions, Propagation},
};

impl State {
    /// Deletes what has lost its owners, and concludes deletions that wait for dependents.
    pub(super) fn collect(&mut self, key: &Key) -> Option<Timestamp> {
        let object = self.get(key)?;
        if is_terminating(&object) {
            if has_finalizer(&object, "orphan") {
                self.set_dependents_free(&object);
                self.release(key, "orphan");
            } else if has_finalizer(&object, "foregroundDeletion") {
                self.delete_dependents_of(key, &object);
            }
            return None;
        }
        let owners = items(&object["metadata"]["ownerReferences"]);
        if !owners.is_empty() && !owners.iter().any(|owner| self.is_there(owner, &key.namespace)) {
            self.discard(key, Propagation::Background);
        }
        None
    }

    /// Deletes on the cluster's own account.
    pub(super) fn discard(&mut self, key: &Key, propagation: Propagation) {
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        if let Err(refusal) = self.delete(key, &options) {
            tracing::debug!(object = ?key, refusal = refusal.message(), "nothing to delete");
        }
    }

    fn is_there(&self, owner: &Value, namespace: &str) -> bool {
        match owner_key(owner, namespace) {
            None => true,
            Some(key) => {
                self.storage.get(&key).is_some_and(|found| uid(found) == text(&owner["uid"]))
            }
        }
    }

    fn delete_dependents_of(&mut self, key: &Key, owner: &Value) {
        let dependents = self.storage.dependents(uid(owner));
        if dependents.is_empty() {
            return self.release(key, "foregroundDeletion");
        }
        for dependent in dependents {
            let Some(object) = self.get(&dependent) else {
                continue;
            };
            if is_terminating(&object) {
                continue;
            }
            let is_leaf = self.storage.dependents(uid(&object)).is_empty();
            let policy = if is_leaf { Propagation::Background } else { Propagation::Foreground };
            self.discard(&dependent, policy);
        }
    }

    fn set_dependents_free(&mut self, owner: &Value) {
        for key in self.storage.dependents(uid(owner)) {
            let Some(object) = self.get(&key) else {
                continue;
            };
            let mut freed = (*object).clone();
            let kept: Vec<Value> = items(&object["metadata"]["ownerReferences"])
                .iter()
                .filter(|reference| text(&reference["uid"]) != uid(owner))
                .cloned()
                .collect();
            freed["metadata"]["ownerReferences"] = json!(kept);
            self.write(&key, freed, &CONTROLLER);
        }
    }

    /// Takes a finalizer away, which may be the end of the object.
    pub(super) fn release(&mut self, key: &Key, finalizer: &str) {
        let Some(object) = self.get(key) else { return };
        let mut released = (*object).clone();
        let kept: Vec<Value> = items(&object["metadata"]["finalizers"])
            .iter()
            .filter(|present| *present != finalizer)
            .cloned()
            .collect();
        released["metadata"]["finalizers"] = json!(kept);
        self.write(key, released, &CONTROLLER);
    }
}
