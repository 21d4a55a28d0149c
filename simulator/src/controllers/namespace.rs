use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::CONTROLLER;
use crate::{
    kinds::{CONFIG_MAP, KINDS, Kind, SERVICE_ACCOUNT},
    object::{condition, is_terminating, items, name, seconds, text},
    state::State,
    storage::Key,
    write::Propagation,
};

impl State {
    /// Furnishes a new namespace and empties one that is to go.
    pub(super) fn tend_namespace(&mut self, key: &Key) -> Option<Timestamp> {
        let namespace = self.get(key)?;
        if !is_terminating(&namespace) {
            self.furnish(key);
            return None;
        }
        for content in self.content(&key.name) {
            self.discard(&content, Propagation::Background);
        }
        let rest = self.content(&key.name);
        let mut next = (*namespace).clone();
        next["status"]["conditions"] = self.conditions(&namespace, &rest);
        if !rest.is_empty() {
            if next != *namespace {
                self.put(key, next);
            }
            return None;
        }
        if next["status"] != namespace["status"] {
            self.put(key, next.clone());
        }
        next["spec"] = json!({});
        self.remove(key, next);
        None
    }

    fn furnish(&mut self, key: &Key) {
        let account = json!({"metadata": {"name": "default"}});
        let authority = json!({
            "metadata": {"name": "kube-root-ca.crt"},
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
        });
        for (kind, object) in [(&SERVICE_ACCOUNT, account), (&CONFIG_MAP, authority)] {
            let place = Key::new(kind, &key.name, name(&object));
            if self.storage.get(&place).is_none()
                && let Err(refusal) = self.create(kind, &key.name, object, &CONTROLLER)
            {
                tracing::debug!(refusal = refusal.message(), "a namespace stays bare");
            }
        }
    }

    fn content(&self, namespace: &str) -> Vec<Key> {
        let kinds = KINDS.iter().copied().filter(|kind| kind.namespaced);
        kinds
            .flat_map(|kind| self.storage.list(kind, Some(namespace)))
            .map(|(key, _)| key.clone())
            .collect()
    }

    fn conditions(&self, namespace: &Value, rest: &[Key]) -> Value {
        let mut resources: BTreeMap<&Kind, usize> = BTreeMap::new();
        let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
        for key in rest {
            *resources.entry(key.kind).or_default() += 1;
            if let Some(object) = self.storage.get(key) {
                for finalizer in items(&object["metadata"]["finalizers"]) {
                    *finalizers.entry(text(finalizer).to_owned()).or_default() += 1;
                }
            }
        }
        let resources: Vec<String> = resources
            .iter()
            .map(|(kind, count)| {
                format!("{}.{} has {count} resource instances", kind.plural, kind.group)
            })
            .collect();
        let finalizers: Vec<String> = finalizers
            .iter()
            .map(|(name, count)| format!("{name} in {count} resource instances"))
            .collect();
        let conditions = all_conditions(&resources, &finalizers);
        let dated = conditions.into_iter().map(|(kind, status, reason, message)| {
            let former = condition(namespace, kind);
            let since = match former["status"] == status {
                true => former["lastTransitionTime"].clone(),
                false => json!(seconds(self.now)),
            };
            json!({
                "type": kind,
                "status": status,
                "lastTransitionTime": since,
                "reason": reason,
                "message": message,
            })
        });
        dated.collect()
    }
}

type Condition = (&'static str, &'static str, &'static str, String);

fn all_conditions(resources: &[String], finalizers: &[String]) -> [Condition; 5] {
    let no = |kind, reason, message: &str| (kind, "False", reason, message.to_owned());
    [
        no(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        no(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        no(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        if resources.is_empty() {
            no("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed")
        } else {
            let list = resources.join(", ");
            let message = format!("Some resources are remaining: {list}");
            ("NamespaceContentRemaining", "True", "SomeResourcesRemain", message)
        },
        if finalizers.is_empty() {
            let message = "All content-preserving finalizers finished";
            no("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", message)
        } else {
            let list = finalizers.join(", ");
            let message = format!("Some content in the namespace has finalizers remaining: {list}");
            ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", message)
        },
    ]
}
