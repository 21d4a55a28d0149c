//! Objects, their versions, and the recent past that watches and old lists read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::{
    kinds::{Kind, POD},
    object::{items, text},
};

/// How many changes are remembered before a watch from there is told to start over.
const HISTORY_LIMIT: usize = 4096;
/// How many objects of one kind there can be, Pods being the dearest.
const OBJECT_LIMIT: usize = 10_000;
const POD_LIMIT: usize = 2_000;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub kind: &'static Kind,
    /// Empty for what is cluster-wide.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(kind: &'static Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// One write, as a watch sees it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub version: u64,
    pub key: Key,
    /// Null before it was made.
    pub before: Arc<Value>,
    /// The new state, or the last one with the version of its removal.
    pub after: Arc<Value>,
    pub removed: bool,
}

/// The wanted version has been forgotten; the oldest that is remembered.
#[derive(Debug)]
pub(crate) struct Forgotten(pub u64);

pub(crate) struct Storage {
    objects: BTreeMap<Key, Arc<Value>>,
    history: VecDeque<Change>,
    version: u64,
    /// All changes after this version are in the history.
    horizon: u64,
    dependents: HashMap<String, BTreeSet<Key>>,
    counts: HashMap<&'static Kind, usize>,
}

impl Storage {
    pub fn new() -> Self {
        Self {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            version: 1,
            horizon: 1,
            dependents: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// In order of namespace and name.
    pub fn list(
        &self,
        kind: &'static Kind,
        namespace: Option<&str>,
    ) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let start = Key::new(kind, namespace.unwrap_or_default(), "");
        let namespace = namespace.map(str::to_owned);
        self.objects.range(start..).take_while(move |(key, _)| {
            key.kind == kind && namespace.as_ref().is_none_or(|wanted| *wanted == key.namespace)
        })
    }

    /// Whether there is room for no more objects of this kind.
    pub fn is_full(&self, kind: &Kind) -> bool {
        let limit = if *kind == POD { POD_LIMIT } else { OBJECT_LIMIT };
        self.counts.get(kind).is_some_and(|count| *count >= limit)
    }

    /// What names this uid as an owner.
    pub fn dependents(&self, uid: &str) -> Vec<Key> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    pub fn put(&mut self, key: &Key, mut object: Value) -> Change {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let after = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&after));
        match &before {
            Some(before) => self.forget_owners(key, before),
            None => *self.counts.entry(key.kind).or_default() += 1,
        }
        for owner in items(&after["metadata"]["ownerReferences"]) {
            self.dependents.entry(text(&owner["uid"]).to_owned()).or_default().insert(key.clone());
        }
        self.remember(key, before, after, false)
    }

    /// `last` is the state to show to watches.
    pub fn remove(&mut self, key: &Key, mut last: Value) -> Option<Change> {
        let before = self.objects.remove(key)?;
        self.forget_owners(key, &before);
        if let Some(count) = self.counts.get_mut(key.kind) {
            *count -= 1;
        }
        self.version += 1;
        last["metadata"]["resourceVersion"] = json!(self.version.to_string());
        Some(self.remember(key, Some(before), Arc::new(last), true))
    }

    /// The changes after `version`.
    pub fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Forgotten> {
        if version < self.horizon {
            return Err(Forgotten(self.horizon));
        }
        let start = self.history.partition_point(|change| change.version <= version);
        Ok(self.history.range(start..))
    }

    /// What was there at `version`.
    pub fn list_at(
        &self,
        version: u64,
        kind: &'static Kind,
        namespace: Option<&str>,
    ) -> Result<BTreeMap<Key, Arc<Value>>, Forgotten> {
        let mut objects: BTreeMap<Key, Arc<Value>> = self
            .list(kind, namespace)
            .map(|(key, object)| (key.clone(), Arc::clone(object)))
            .collect();
        let later: Vec<&Change> = self.since(version)?.collect();
        for change in later.into_iter().rev() {
            let here = change.key.kind == kind
                && namespace.is_none_or(|wanted| wanted == change.key.namespace);
            if here && change.before.is_null() {
                objects.remove(&change.key);
            } else if here {
                objects.insert(change.key.clone(), Arc::clone(&change.before));
            }
        }
        Ok(objects)
    }

    /// Forgets all changes so far, as a compaction does.
    pub fn compact(&mut self) {
        self.history.clear();
        self.horizon = self.version;
    }

    fn remember(
        &mut self,
        key: &Key,
        before: Option<Arc<Value>>,
        after: Arc<Value>,
        removed: bool,
    ) -> Change {
        let before = before.unwrap_or_default();
        let change = Change { version: self.version, key: key.clone(), before, after, removed };
        self.history.push_back(change.clone());
        if self.history.len() > HISTORY_LIMIT
            && let Some(oldest) = self.history.pop_front()
        {
            self.horizon = oldest.version;
        }
        change
    }

    fn forget_owners(&mut self, key: &Key, object: &Value) {
        for owner in items(&object["metadata"]["ownerReferences"]) {
            let owner = text(&owner["uid"]);
            if let Some(keys) = self.dependents.get_mut(owner) {
                keys.remove(key);
                if keys.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }
}
