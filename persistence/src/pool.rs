use std::{
    pin::pin,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use deadpool::managed::{self, Manager, Object, PoolError, TimeoutType, Timeouts};
use diesel_async::pooled_connection;
use domain::store::PoolUse;
use futures::FutureExt;
use tokio::time::timeout;

use crate::error::unavailable;

/// How long a connection may take to be made, or to be looked at before it is used again.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) type NoConnection = PoolError<pooled_connection::PoolError>;

/// A pool of connections that keeps count of what is waited for them.
pub(crate) struct Pool<M: Manager> {
    name: &'static str,
    connections: managed::Pool<M>,
    waits: Waits,
    patience: Duration,
}

/// How often, how long and how often in vain something was waited for.
#[derive(Default)]
pub(crate) struct Waits {
    waiting: AtomicUsize,
    given: AtomicU64,
    waited_micros: AtomicU64,
    missed: AtomicU64,
}

impl<M: Manager<Error = pooled_connection::PoolError>> Pool<M> {
    /// Whoever wants a connection waits no longer than `patience` for one.
    pub fn new(
        name: &'static str,
        manager: M,
        most: usize,
        patience: Duration,
    ) -> domain::Result<Self> {
        let timeouts = Timeouts { wait: None, create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let connections = managed::Pool::builder(manager)
            .max_size(most)
            .timeouts(timeouts)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(unavailable)?;
        Ok(Self { name, connections, waits: Waits::default(), patience })
    }

    pub async fn get(&self) -> Result<Object<M>, NoConnection> {
        let late = PoolError::Timeout(TimeoutType::Wait);
        self.waits.measure(self.patience, self.connections.get(), late).await
    }

    pub fn in_use(&self) -> PoolUse {
        let status = self.connections.status();
        let in_use = status.size.saturating_sub(status.available);
        self.waits.in_use(self.name, status.max_size, in_use)
    }
}

/// Counts somebody who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl Waits {
    /// What is waited for, or `late` where it takes longer than `patience`.
    pub async fn measure<T, E>(
        &self,
        patience: Duration,
        wanted: impl Future<Output = Result<T, E>>,
        late: E,
    ) -> Result<T, E> {
        let mut wanted = pin!(wanted);
        // Mostly there is nothing to wait for, and no time to be measured.
        if let Some(got) = wanted.as_mut().now_or_never() {
            self.count(&got, Duration::ZERO);
            return got;
        }
        let asked_at = Instant::now();
        self.waiting.fetch_add(1, Relaxed);
        let waiting = Waiting(&self.waiting);
        let got = timeout(patience, wanted).await.unwrap_or(Err(late));
        drop(waiting);
        self.count(&got, asked_at.elapsed());
        got
    }

    fn count<T, E>(&self, got: &Result<T, E>, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Relaxed);
        let count = if got.is_ok() { &self.given } else { &self.missed };
        count.fetch_add(1, Relaxed);
    }

    pub fn is_nobody_waiting(&self) -> bool {
        self.waiting.load(Relaxed) == 0
    }

    pub fn in_use(&self, name: &'static str, most: usize, in_use: usize) -> PoolUse {
        PoolUse {
            name,
            most,
            in_use,
            waiting: self.waiting.load(Relaxed),
            given: self.given.load(Relaxed),
            waited: Duration::from_micros(self.waited_micros.load(Relaxed)),
            missed: self.missed.load(Relaxed),
        }
    }
}
