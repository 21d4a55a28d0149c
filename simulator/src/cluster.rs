use std::{
    collections::BTreeMap,
    future::{Future, IntoFuture},
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{net::TcpListener, sync::watch};

use crate::{
    access::{Access, Account},
    api::{self, Rights},
    clock::{Clock, later},
    faults::Faults,
    state::State,
    timing::Timing,
};

/// A simulated Kubernetes cluster. Clones are handles on the same one.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    clock: Clock,
    state: Mutex<State>,
    /// Changes with every write and every move of the time.
    pulse: watch::Sender<u64>,
}

impl Cluster {
    /// A cluster with the namespaces `default` and `kube-system` and three nodes, one of them with
    /// GPUs.
    pub fn new(clock: Clock) -> Self {
        let state = State::new(&clock);
        let cluster =
            Self(Arc::new(Inner { clock, state: Mutex::new(state), pulse: watch::Sender::new(0) }));
        cluster.with_state(State::bootstrap);
        cluster
    }

    /// The Kubernetes API, to be served or put behind a client as it is.
    pub fn router(&self) -> axum::Router {
        api::router(self.clone(), Rights::default())
    }

    /// The same for those who are known only, each of whom may do what is allowed and no more.
    pub fn guarded_router(&self, accounts: Vec<Account>) -> axum::Router {
        api::router(self.clone(), Rights::of(accounts))
    }

    /// How often each kind of call has come. Discovery and reviews do not count.
    pub fn accesses(&self) -> BTreeMap<Access, u64> {
        self.with_state(|state| state.accesses.clone())
    }

    pub fn faults(&self) -> Faults {
        Faults(self.clone())
    }

    /// Changes how long things take from now on.
    pub fn set_timing(&self, timing: Timing) {
        self.with_state(|state| state.timing = timing);
    }

    pub fn now(&self) -> Timestamp {
        self.with_state(|state| state.now)
    }

    /// Moves a manual clock, letting the controllers act at every moment that falls due on the way.
    ///
    /// # Panics
    /// If the clock is the system's.
    pub fn advance(&self, by: Duration) {
        assert!(!self.0.clock.is_system(), "only a manual clock can be advanced");
        self.with_state(|state| {
            let target = later(state.now, by);
            while let Some(due) = state.queue.next_due().filter(|due| *due <= target) {
                state.now = state.now.max(due);
                state.settle();
            }
            state.now = target;
        });
    }

    /// Serves the API on a socket, and drives the timers of a cluster on the system's clock.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let server = axum::serve(listener, self.router()).into_future();
        if !self.0.clock.is_system() {
            return server.await;
        }
        tokio::select! {
            served = server => served,
            () = self.run() => Ok(()),
        }
    }

    /// Drives the timers of a cluster on the system's clock, for as long as it is polled.
    pub fn run(&self) -> impl Future<Output = ()> + Send + 'static {
        let cluster = self.clone();
        async move {
            let mut pulse = cluster.pulse();
            loop {
                let wait = cluster.with_state(|state| {
                    state.queue.next_due().map(|due| state.now.duration_until(due))
                });
                let wait = wait.map(|wait| Duration::try_from(wait).unwrap_or_default());
                tokio::select! {
                    () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)) => {}
                    _ = pulse.changed() => {}
                }
            }
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Fires after every write and every move of the time.
    pub(crate) fn pulse(&self) -> watch::Receiver<u64> {
        self.0.pulse.subscribe()
    }

    /// Runs `work` under the lock, at the present moment, and then the controllers.
    pub(crate) fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.clock.is_system() {
            state.now = self.0.clock.start().max(state.now);
        }
        let before = self.stage(&state);
        let outcome = work(&mut state);
        state.settle();
        let stirred = before != self.stage(&state);
        drop(state);
        if stirred {
            self.0.pulse.send_modify(|pulse| *pulse += 1);
        }
        outcome
    }

    /// What those who wait for a pulse care about. Real time moves without one.
    fn stage(&self, state: &State) -> (u64, u64, u64, Option<Timestamp>) {
        let time = (!self.0.clock.is_system()).then_some(state.now);
        (state.storage.version(), state.watch_epoch, state.expiry_epoch, time)
    }
}
