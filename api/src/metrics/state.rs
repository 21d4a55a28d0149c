//! What is not counted as it happens but looked up when somebody asks for the metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use domain::{ControlPlane, Result, events::Cursor, store::PoolUse, workflows::TaskQueue};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The store, the log, the tasks and the clusters.
#[derive(Default)]
pub struct State {
    store_up: Gauge,
    in_use: Family<OfPool, Gauge>,
    most: Family<OfPool, Gauge>,
    waiting: Family<OfPool, Gauge>,
    given: Family<OfPool, Counter>,
    waited: Family<OfPool, Counter<f64, AtomicU64>>,
    missed: Family<OfPool, Counter>,
    event_head: Gauge,
    event_lag: Gauge,
    tasks: Family<InState, Gauge>,
    longest_due: Gauge<f64, AtomicU64>,
    connected: Family<OfTarget, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPool {
    pool: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTarget {
    target: String,
}

impl State {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let state = Self::default();
        state.register_store(registry);
        let Self { event_head, event_lag, tasks, longest_due, connected, .. } = &state;
        registry.register(
            "event_head",
            "Safe head of the event log: the newest position that may be read",
            event_head.clone(),
        );
        registry.register(
            "event_lag",
            "Positions between the safe head and what this process has handed out",
            event_lag.clone(),
        );
        registry.register(
            "tasks",
            "Tasks that could be claimed (due), belong to a worker (leased), fall due later (waiting)",
            tasks.clone(),
        );
        registry.register(
            "task_longest_due_seconds",
            "How long the task has been due that has been due longest",
            longest_due.clone(),
        );
        registry.register(
            "target_connected",
            "1 while the watch on the cluster works",
            connected.clone(),
        );
        state
    }

    fn register_store(&self, registry: &mut Registry) {
        registry.register(
            "store_up",
            "1 where the store answered; where not, what comes from it is old",
            self.store_up.clone(),
        );
        registry.register(
            "store_connections",
            "Connections to the store that are in use",
            self.in_use.clone(),
        );
        let help = "Connections to the store that there may be";
        registry.register("store_connections_most", help, self.most.clone());
        let help = "Callers that wait for a connection to the store";
        registry.register("store_waiting", help, self.waiting.clone());
        let help = "Connections to the store that were given out";
        registry.register("store_given", help, self.given.clone());
        let help = "Time that callers have waited for connections to the store";
        registry.register("store_wait_seconds", help, self.waited.clone());
        let help = "Times that no connection to the store came";
        registry.register("store_missed", help, self.missed.clone());
    }

    /// Looks everything up; `delivered` is how far this process has handed out the log.
    pub async fn look(&self, control_plane: &ControlPlane, delivered: Cursor) {
        for pool in control_plane.store_pools() {
            self.show_pool(&pool);
        }
        let found = self.ask_store(control_plane, delivered).await;
        self.store_up.set(i64::from(found.is_ok()));
    }

    /// The store was asked and did not answer in time.
    pub fn store_is_silent(&self) {
        self.store_up.set(0);
    }

    pub(super) fn show_sample(&self) {
        let (most, in_use, waiting, given, waited, missed) = Default::default();
        self.show_pool(&PoolUse { name: "readers", most, in_use, waiting, given, waited, missed });
        self.show_tasks(&TaskQueue::default());
        let target = OfTarget { target: "simulated".to_owned() };
        self.connected.get_or_create(&target).set(1);
    }

    async fn ask_store(&self, control_plane: &ControlPlane, delivered: Cursor) -> Result<()> {
        let head = control_plane.cursor().await?;
        self.event_head.set(head.position());
        self.event_lag.set((head.position() - delivered.position()).max(0));
        self.show_tasks(&control_plane.task_queue().await?);
        for (target, connected) in control_plane.targets().await? {
            let target = OfTarget { target: target.name };
            self.connected.get_or_create(&target).set(i64::from(connected));
        }
        Ok(())
    }

    fn show_pool(&self, seen: &PoolUse) {
        let pool = OfPool { pool: seen.name };
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.in_use.get_or_create(&pool).set(count(seen.in_use));
        self.most.get_or_create(&pool).set(count(seen.most));
        self.waiting.get_or_create(&pool).set(count(seen.waiting));
        // The store has done the counting.
        self.given.get_or_create(&pool).inner().store(seen.given, Relaxed);
        self.missed.get_or_create(&pool).inner().store(seen.missed, Relaxed);
        let waited = seen.waited.as_secs_f64().to_bits();
        self.waited.get_or_create(&pool).inner().store(waited, Relaxed);
    }

    fn show_tasks(&self, queue: &TaskQueue) {
        let counts = [("due", queue.due), ("leased", queue.leased), ("waiting", queue.waiting)];
        for (state, count) in counts {
            self.tasks.get_or_create(&InState { state }).set(count);
        }
        self.longest_due.set(queue.longest_due.as_secs_f64());
    }
}
