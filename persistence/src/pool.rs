use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use deadpool::managed::{self, Manager, Object, PoolError, TimeoutType, Timeouts};
use diesel_async::pooled_connection;
use domain::{Result, store::PoolUse};
use tokio::time::timeout;

use crate::error::unavailable;

/// How long a connection may take to be made, or to be looked at before it is used again.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) type NoConnection = PoolError<pooled_connection::PoolError>;

/// A pool of connections that keeps count of what is waited for them.
pub(crate) struct Pool<M: Manager> {
    name: &'static str,
    connections: managed::Pool<M>,
    given: AtomicU64,
    waited_micros: AtomicU64,
    missed: AtomicU64,
    patience: Duration,
}

impl<M: Manager<Error = pooled_connection::PoolError>> Pool<M> {
    /// Whoever wants a connection waits no longer than `patience` for one.
    pub fn new(name: &'static str, manager: M, most: usize, patience: Duration) -> Result<Self> {
        let timeouts = Timeouts { wait: None, create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let connections = managed::Pool::builder(manager)
            .max_size(most)
            .timeouts(timeouts)
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .map_err(unavailable)?;
        let (given, waited_micros, missed) = Default::default();
        Ok(Self { name, connections, given, waited_micros, missed, patience })
    }

    pub async fn get(&self) -> Result<Object<M>, NoConnection> {
        let asked_at = Instant::now();
        let got = timeout(self.patience, self.connections.get()).await;
        let got = got.unwrap_or(Err(PoolError::Timeout(TimeoutType::Wait)));
        let micros = u64::try_from(asked_at.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Relaxed);
        let count = if got.is_ok() { &self.given } else { &self.missed };
        count.fetch_add(1, Relaxed);
        got
    }

    pub fn in_use(&self) -> PoolUse {
        let status = self.connections.status();
        PoolUse {
            name: self.name,
            most: status.max_size,
            in_use: status.size.saturating_sub(status.available),
            waiting: status.waiting,
            given: self.given.load(Relaxed),
            waited: Duration::from_micros(self.waited_micros.load(Relaxed)),
            missed: self.missed.load(Relaxed),
        }
    }
}
