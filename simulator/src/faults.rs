use std::time::Duration;

use crate::{cluster::Cluster, ids::Ids};

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens; the answer is this HTTP status, with `Retry-After` if given.
    Status(u16, Option<Duration>),
    /// It happens, but the connection breaks before the answer is through.
    LostAnswer,
    /// Nothing happens; the answer is 504 `Timeout`.
    Timeout,
    /// Nothing happens and no answer ever comes: the caller has to give up.
    Silence,
}

/// What a call is, as faults are told to match it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: Option<String>,
    /// The plural, as in `deployments`.
    pub resource: Option<String>,
}

impl Calls {
    pub fn any() -> Self {
        Self::default()
    }

    pub fn to(verb: &str, resource: &str) -> Self {
        Self { verb: Some(verb.to_owned()), resource: Some(resource.to_owned()) }
    }

    pub fn of(verb: &str) -> Self {
        Self { verb: Some(verb.to_owned()), resource: None }
    }

    fn include(&self, verb: &str, resource: &str) -> bool {
        self.verb.as_deref().is_none_or(|wanted| wanted == verb)
            && self.resource.as_deref().is_none_or(|wanted| wanted == resource)
    }
}

/// Orders what goes wrong. Discovery and health checks are never hit.
#[derive(Clone)]
pub struct Faults(pub(crate) Cluster);

impl Faults {
    /// The next `n` calls fail like this.
    pub fn fail_next(&self, n: usize, fault: Fault) {
        self.fail_matching(Calls::any(), n, fault);
    }

    /// The next `n` of these calls fail like this.
    pub fn fail_matching(&self, calls: Calls, n: usize, fault: Fault) {
        self.0.with_state(|state| state.faults.planned.push((calls, n, fault)));
    }

    /// From now on each call fails with this probability, in one of these ways; the same calls in
    /// the same ways for the same seed.
    pub fn fail_at_rate(&self, probability: f64, seed: u64, ways: &[Fault]) {
        let rate = Rate { probability, ids: Ids::new(seed), ways: ways.to_vec() };
        self.0.with_state(|state| state.faults.rate = Some(rate));
    }

    /// Cuts a node off: its Pods are no longer ready, and evicted after
    /// [`Timing::evict`](crate::Timing::evict); they stay on their way out until it is healed. A name that no node has means nothing.
    pub fn fail_node(&self, node: &str) {
        self.0.with_state(|state| state.set_node_failed(node, true));
    }

    /// Brings a node back, whose kubelet then does what is due.
    pub fn heal_node(&self, node: &str) {
        self.0.with_state(|state| state.set_node_failed(node, false));
    }

    /// No call that has been ordered to fail does so any more, and watches tell everything; nodes
    /// stay as they are.
    pub fn clear(&self) {
        self.0.with_state(|state| state.faults = FaultPlan::default());
    }

    /// From now on every watch keeps one change in so many to itself.
    pub fn lose_changes(&self, one_in: u64) {
        self.0.with_state(|state| state.faults.lost = Some(one_in));
    }

    /// Ends every open watch without a word, as a restarted server does.
    pub fn drop_watches(&self) {
        self.0.with_state(|state| state.watch_epoch += 1);
    }

    /// Forgets the past: open watches end with 410, and so does every watch or list that asks for
    /// a version before this moment.
    pub fn expire_watches(&self) {
        self.0.with_state(|state| {
            state.storage.compact();
            state.expiry_epoch += 1;
        });
    }
}

#[derive(Clone, Debug)]
struct Rate {
    probability: f64,
    ids: Ids,
    ways: Vec<Fault>,
}

impl Rate {
    fn strike(&mut self) -> Option<Fault> {
        if self.ids.fraction() >= self.probability || self.ways.is_empty() {
            return None;
        }
        let way = self.ids.next() % self.ways.len() as u64;
        self.ways.get(way as usize).cloned()
    }
}

/// The faults still to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultPlan {
    planned: Vec<(Calls, usize, Fault)>,
    rate: Option<Rate>,
    /// Which changes watches do not tell.
    lost: Option<u64>,
}

impl FaultPlan {
    /// Whether a watch keeps its `n`th change to itself.
    pub fn loses(&self, n: u64) -> bool {
        self.lost.is_some_and(|one_in| n.is_multiple_of(one_in))
    }

    /// The fault of this call, which is then used up.
    pub fn strike(&mut self, verb: &str, resource: &str) -> Option<Fault> {
        let planned =
            self.planned.iter_mut().find(|(calls, n, _)| *n > 0 && calls.include(verb, resource));
        if let Some((_, n, fault)) = planned {
            *n -= 1;
            let fault = fault.clone();
            self.planned.retain(|(_, n, _)| *n > 0);
            return Some(fault);
        }
        self.rate.as_mut()?.strike()
    }
}
