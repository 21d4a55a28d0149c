use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::MANAGER;
use crate::{object::entries, state::State, storage::Key, write::usage};

impl State {
    /// Keeps a quota's count of what is used.
    pub(super) fn count_usage(&mut self, key: &Key) -> Option<Timestamp> {
        let quota = self.get(key)?;
        let hard = &quota["spec"]["hard"];
        let used: Map<String, Value> = entries(hard)
            .map(|(resource, _)| {
                (resource.clone(), json!(usage(self, resource, &key.namespace).to_string()))
            })
            .collect();
        self.set_status(key, json!({"hard": hard, "used": used}), MANAGER);
        None
    }
}
