use std::collections::HashMap;

use serde_json::Value;

use super::{compare::in_order, mask::mask};

/// What the names, uids, versions and tokens of the recording are in the simulation.
#[derive(Default)]
pub struct Names {
    texts: HashMap<String, String>,
    /// Versions of objects by uid, in both directions.
    simulated: HashMap<(String, String), String>,
    recorded: HashMap<(String, String), String>,
}

impl Names {
    /// Takes note of what stands at the same places of two answers. Complains if an object has
    /// changed in one of them and not in the other.
    pub fn learn(&mut self, recorded: &Value, simulated: &Value, complaints: &mut Vec<String>) {
        let (Value::Object(ours), Value::Object(theirs)) = (recorded, simulated) else { return };
        self.learn_version(recorded, simulated, complaints);
        for (name, value) in ours {
            match (value, theirs.get(name)) {
                (Value::String(value), Some(Value::String(other))) => {
                    self.learn_text(name, value, other);
                }
                (Value::Array(ours), Some(Value::Array(theirs))) => {
                    let pairs = in_order(name, ours).into_iter();
                    for (one, other) in pairs.zip(in_order(name, theirs)) {
                        self.learn(one, other, complaints);
                    }
                }
                (value, Some(other)) => self.learn(value, other, complaints),
                (_, None) => {}
            }
        }
    }

    /// A text of a request, as it is to be sent.
    pub fn translate(&self, text: &str) -> String {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let mut long: Vec<(&String, &String)> =
            self.texts.iter().filter(|(from, _)| from.len() > 8).collect();
        // The name of a Pod begins with that of its ReplicaSet.
        long.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        long.into_iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    pub fn knows(&self, text: &str) -> bool {
        self.texts.contains_key(text)
    }

    pub fn translate_all(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.translate(text)),
            Value::Array(list) => list.iter().map(|value| self.translate_all(value)).collect(),
            Value::Object(map) => {
                map.iter().map(|(name, value)| (name.clone(), self.translate_all(value))).collect()
            }
            other => other.clone(),
        }
    }

    fn learn_text(&mut self, field: &str, recorded: &str, simulated: &str) {
        let generated = field == "name" && mask(recorded) == mask(simulated);
        if generated || matches!(field, "uid" | "resourceVersion" | "continue") {
            self.texts.insert(recorded.into(), simulated.into());
        }
    }

    fn learn_version(&mut self, recorded: &Value, simulated: &Value, complaints: &mut Vec<String>) {
        let pair = |object: &Value| {
            let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
            text("uid").zip(text("resourceVersion"))
        };
        let (Some((uid, ours)), Some((_, theirs))) = (pair(recorded), pair(simulated)) else {
            return;
        };
        let known = self.simulated.insert((uid.clone(), ours.clone()), theirs.clone());
        if known.is_some_and(|known| known != theirs) {
            complaints.push(format!("version {ours} stayed, but the simulated object changed"));
        }
        let known = self.recorded.insert((uid, theirs.clone()), ours.clone());
        if known.is_some_and(|known| known != ours) {
            complaints.push(format!("version {ours} is new, but the simulated {theirs} stayed"));
        }
    }
}
