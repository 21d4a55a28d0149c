use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    access::Access,
    clock::Clock,
    controllers::{Loads, PodRun, Queue},
    faults::FaultPlan,
    ids::Ids,
    storage::{Change, Key, Storage},
    timing::Timing,
};

/// Everything in the cluster. It is only ever used under the lock of [`Cluster`](crate::Cluster).
pub(crate) struct State {
    pub now: Timestamp,
    pub storage: Storage,
    pub queue: Queue,
    /// What the kubelets know of the Pods they run, by uid.
    pub runs: HashMap<String, PodRun>,
    pub loads: Loads,
    pub ids: Ids,
    pub timing: Timing,
    pub faults: FaultPlan,
    /// How often each kind of call has come.
    pub accesses: BTreeMap<Access, u64>,
    /// The nodes whose kubelets are silent.
    pub failed_nodes: HashSet<String>,
    /// Raised to end the watches that were opened before.
    pub watch_epoch: u64,
    /// Raised to end them with 410.
    pub expiry_epoch: u64,
    addresses: u32,
}

impl State {
    pub fn new(clock: &Clock) -> Self {
        let now = clock.start();
        let seed = if clock.is_system() { now.as_nanosecond() as u64 } else { 0 };
        Self {
            now,
            storage: Storage::new(),
            queue: Queue::default(),
            runs: HashMap::new(),
            loads: Loads::default(),
            ids: Ids::new(seed),
            timing: Timing::default(),
            faults: FaultPlan::default(),
            accesses: BTreeMap::new(),
            failed_nodes: HashSet::new(),
            watch_epoch: 0,
            expiry_epoch: 0,
            addresses: 0,
        }
    }

    pub fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.storage.get(key).cloned()
    }

    /// Stores a new state of an object and tells the controllers.
    pub fn put(&mut self, key: &Key, object: Value) -> Arc<Value> {
        let change = self.storage.put(key, object);
        self.commit(&change)
    }

    /// Takes an object away, `last` being the state that watches are shown.
    pub fn remove(&mut self, key: &Key, last: Value) -> Option<Arc<Value>> {
        let change = self.storage.remove(key, last)?;
        Some(self.commit(&change))
    }

    fn commit(&mut self, change: &Change) -> Arc<Value> {
        self.notice(change);
        Arc::clone(&change.after)
    }

    /// An address that nobody has, in the /16 that begins with `prefix`.
    pub fn address(&mut self, prefix: &str) -> String {
        self.addresses += 1;
        let number = self.addresses % 65_000;
        format!("{prefix}.{}.{}", number / 250, number % 250 + 2)
    }
}
