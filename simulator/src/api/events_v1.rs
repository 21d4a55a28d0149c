//! Events in the shape of `events.k8s.io/v1`.

use serde_json::{Map, Value, json};

use crate::object::entries;

pub(super) const GROUP: &str = "events.k8s.io";
const API_VERSION: &str = "events.k8s.io/v1";

/// Names of fields here and in the core group.
const RENAMED: &[(&str, &str)] = &[
    ("note", "message"),
    ("regarding", "involvedObject"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// An Event of the core group, or a list of them, as this group has it.
pub(super) fn translated(value: &Value) -> Value {
    if let Some(items) = value["items"].as_array() {
        let items: Vec<Value> = items.iter().map(translated).collect();
        return json!({
            "kind": "EventList",
            "apiVersion": API_VERSION,
            "metadata": value["metadata"],
            "items": items,
        });
    }
    let mut event = Map::new();
    for (field, value) in entries(value) {
        let own = RENAMED.iter().find(|(_, core)| *core == field);
        let own = own.map_or(field.as_str(), |(own, _)| *own);
        let value = match own {
            "apiVersion" => json!(API_VERSION),
            // Only what has no count is dated by a field of this group.
            "reportingInstance" if value == "" => continue,
            _ => value.clone(),
        };
        event.insert(own.to_owned(), value);
    }
    Value::Object(event)
}

/// A field selector of this group, in the words of the core group.
pub(super) fn selector(given: &str) -> String {
    given
        .replace("regarding.", "involvedObject.")
        .replace("reportingController", "reportingComponent")
}
