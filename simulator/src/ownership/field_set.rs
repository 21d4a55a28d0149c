use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// A set of paths, in the shape of `fieldsV1`: a node is a path element, `.` marks ownership of a
/// node that has children.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FieldSet {
    pub owned: bool,
    pub children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    pub fn leaf() -> Self {
        Self { owned: true, children: BTreeMap::new() }
    }

    pub fn from_json(value: &Value) -> Self {
        let mut set = Self::default();
        for (name, child) in value.as_object().into_iter().flatten() {
            if name == "." {
                set.owned = true;
            } else {
                let mut child = Self::from_json(child);
                child.owned |= child.children.is_empty();
                set.children.insert(name.clone(), child);
            }
        }
        set
    }

    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.owned && !self.children.is_empty() {
            map.insert(".".into(), json!({}));
        }
        map.extend(self.children.iter().map(|(name, child)| (name.clone(), child.to_json())));
        Value::Object(map)
    }

    pub fn is_empty(&self) -> bool {
        !self.owned && self.children.is_empty()
    }

    pub fn insert(&mut self, name: String, child: FieldSet) {
        if !child.is_empty() {
            self.children.insert(name, child);
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.owned |= other.owned;
        for (name, child) in &other.children {
            self.children.entry(name.clone()).or_default().add(child);
        }
    }

    pub fn subtract(&mut self, other: &Self) {
        self.owned &= !other.owned;
        for (name, child) in &other.children {
            if let Some(own) = self.children.get_mut(name) {
                own.subtract(child);
                if own.is_empty() {
                    self.children.remove(name);
                }
            }
        }
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let mut common = Self { owned: self.owned && other.owned, children: BTreeMap::new() };
        for (name, child) in &self.children {
            if let Some(theirs) = other.children.get(name) {
                common.insert(name.clone(), child.intersection(theirs));
            }
        }
        common
    }

    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }

    /// The owned paths as conflicts print them: `.spec.containers[name="app"].image`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut paths);
        paths
    }

    fn collect_paths(&self, path: &str, paths: &mut Vec<String>) {
        if self.owned {
            paths.push(path.to_owned());
        }
        for (name, child) in &self.children {
            child.collect_paths(&format!("{path}{}", printed(name)), paths);
        }
    }
}

fn printed(element: &str) -> String {
    match element.split_at(2) {
        ("f:", name) => format!(".{name}"),
        ("k:", keys) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let parts: Vec<String> =
                keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("[{}]", parts.join(","))
        }
        (_, value) => format!("[={value}]"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::FieldSet;

    #[test]
    fn json_round_trip_and_paths() {
        let fields = json!({"f:spec": {
            "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:image": {}}},
            "f:replicas": {},
        }});
        let set = FieldSet::from_json(&fields);

        assert_eq!(set.to_json(), fields);
        assert_eq!(
            set.paths(),
            [
                ".spec.containers[name=\"app\"]",
                ".spec.containers[name=\"app\"].image",
                ".spec.replicas"
            ]
        );
    }

    #[test]
    fn subtraction_drops_emptied_branches() {
        let mut set = FieldSet::from_json(&json!({"f:a": {"f:b": {}}, "f:c": {}}));

        set.subtract(&FieldSet::from_json(&json!({"f:a": {"f:b": {}}})));

        assert_eq!(set.to_json(), json!({"f:c": {}}));
    }
}
