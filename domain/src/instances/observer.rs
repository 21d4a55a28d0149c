//! One process at a time takes in what a cluster shows.

use jiff::SignedDuration;

use crate::{
    control_plane::ControlPlane,
    error::{Error, Result},
    ids::ProcessId,
    work::Work,
};

/// The right to take in what the cluster shows, as long as nobody else has taken it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observer {
    /// Grows each time that another process takes the right.
    pub fence: i64,
    /// How long the right lasts; prolong it well before.
    pub lasts: SignedDuration,
}

/// Who observes a cluster, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverLease {
    pub process: ProcessId,
    /// Whoever holds it is asked for it only if this is not set.
    pub by_force: bool,
    pub lasts: SignedDuration,
    /// A right that would last longer was given before the store's time was set back, and is void.
    pub at_most: SignedDuration,
}

impl ControlPlane {
    /// Takes the right or prolongs it; `None` while it is another process's.
    pub async fn lease_observer(&self, process: ProcessId) -> Result<Option<Observer>> {
        self.lease(process, false, self.settings.task_lease).await
    }

    /// Takes the right at the start of a process. A simulated cluster lives in its process, so
    /// whoever observed one before has gone with it.
    pub async fn begin_observing(&self, process: ProcessId) -> Result<Option<Observer>> {
        let by_force = self.ports.runtime.target().simulated;
        self.lease(process, by_force, self.settings.task_lease).await
    }

    /// Gives the right back, so that another process need not wait.
    pub async fn release_observer(&self, process: ProcessId) -> Result<()> {
        self.lease(process, false, SignedDuration::ZERO).await.map(drop)
    }

    async fn lease(
        &self,
        process: ProcessId,
        by_force: bool,
        lasts: SignedDuration,
    ) -> Result<Option<Observer>> {
        let lease = ObserverLease { process, by_force, lasts, at_most: self.longest_right() };
        let target = self.ports.runtime.target();
        let mut tx = self.ports.store.write().await?;
        tx.lock(&lock_of(&target.name)).await?;
        let fence = tx.lease_target(&target, &lease).await?;
        tx.commit().await?;
        Ok(fence.map(|fence| Observer { fence, lasts }))
    }

    /// Records what was observed, unless another process observes by now.
    pub(crate) async fn take_in<T>(
        &self,
        observer: Observer,
        decide: impl AsyncFnOnce(&mut Work) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let target = self.ports.runtime.target();
        self.maintain(None, async |work| {
            if work.tx.target_fence(&target.name).await? != Some(observer.fence) {
                return Err(Error::Conflict("another process observes the cluster".to_owned()));
            }
            decide(work).await
        })
        .await
    }
}

fn lock_of(target: &str) -> String {
    format!("targets/{target}")
}
