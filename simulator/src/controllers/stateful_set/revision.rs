use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    controllers::CONTROLLER,
    ids::hash_of_template,
    kinds::{CONTROLLER_REVISION, STATEFUL_SET},
    object::{controller_reference, int, is_controlled_by, key, map_mut, name, namespace},
    state::State,
    storage::Key,
    write::Propagation,
};

impl State {
    /// The name of the ControllerRevision of the present template, which is made if absent and
    /// renumbered if an earlier one is taken up again.
    pub(super) fn ensure_revision(&mut self, set: &Value) -> String {
        let hash = hash_of_template(&set["spec"]["template"]);
        let revision_name = format!("{}-{hash}", name(set));
        let place = Key::new(&CONTROLLER_REVISION, namespace(set), &revision_name);
        let latest = self.revisions(set).last().map(|last| int(&last["revision"]));
        match self.get(&place) {
            Some(found) if Some(int(&found["revision"])) == latest => {}
            Some(found) => {
                let mut next = (*found).clone();
                next["revision"] = json!(latest.unwrap_or_default() + 1);
                self.write(&place, next, &CONTROLLER);
            }
            None => self.make_revision(set, &hash, latest.unwrap_or_default() + 1),
        }
        self.forget_revisions(set, &revision_name);
        revision_name
    }

    /// The Pod template of one of a set's revisions.
    pub(super) fn template_of(&self, set: &Value, revision: &str) -> Option<Value> {
        let place = Key::new(&CONTROLLER_REVISION, namespace(set), revision);
        let found = self.storage.get(&place)?;
        Some(found["data"]["spec"]["template"].clone())
    }

    fn make_revision(&mut self, set: &Value, hash: &str, number: i64) {
        let mut labels = set["spec"]["template"]["metadata"]["labels"].clone();
        map_mut(&mut labels).insert("controller.kubernetes.io/hash".into(), json!(hash));
        let mut template = set["spec"]["template"].clone();
        template["$patch"] = json!("replace");
        let revision = json!({
            "metadata": {
                "name": format!("{}-{hash}", name(set)),
                "labels": labels,
                "ownerReferences": [controller_reference(&STATEFUL_SET, set)],
            },
            "data": {"spec": {"template": template}},
            "revision": number,
        });
        let made = self.create(&CONTROLLER_REVISION, namespace(set), revision, &CONTROLLER);
        if let Err(refusal) = made {
            tracing::debug!(refusal = refusal.message(), "a revision was refused");
        }
    }

    /// Oldest first.
    fn revisions(&self, set: &Value) -> Vec<Arc<Value>> {
        let all = self.storage.list(&CONTROLLER_REVISION, Some(namespace(set)));
        let mut own: Vec<Arc<Value>> = all
            .filter(|(_, revision)| is_controlled_by(revision, set))
            .map(|(_, revision)| Arc::clone(revision))
            .collect();
        own.sort_by_key(|revision| int(&revision["revision"]));
        own
    }

    fn forget_revisions(&mut self, set: &Value, update: &str) {
        let limit = usize::try_from(int(&set["spec"]["revisionHistoryLimit"])).unwrap_or_default();
        let current = &set["status"]["currentRevision"];
        let mut idle = self.revisions(set);
        idle.retain(|revision| name(revision) != update && *current != name(revision));
        let surplus = idle.len().saturating_sub(limit);
        for revision in idle.iter().take(surplus) {
            self.discard(&key(&CONTROLLER_REVISION, revision), Propagation::Background);
        }
    }
}
