//! How a worker keeps a task that takes longer than a lease.

use jiff::SignedDuration;

use super::Claim;
use crate::{control_plane::ControlPlane, error::Result};

/// No task waits longer than this before it is looked at again.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(1);

impl ControlPlane {
    /// How long a claimed task is its worker's.
    pub fn task_lease(&self) -> SignedDuration {
        self.settings.task_lease
    }

    /// Keeps a claimed task its worker's for a whole lease from now on; `false` where another
    /// worker has taken it over.
    pub async fn prolong(&self, claim: &Claim) -> Result<bool> {
        let mut tx = self.ports.store.write().await?;
        let lease = self.settings.task_lease;
        let kept = tx.prolong_task(claim.task.id, claim.task.claim.fence, lease).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// Lets nothing wait for a time that was written before the store's was set back. To be looked
    /// at too early harms no task.
    pub async fn bring_tasks_forward(&self) -> Result<()> {
        let latest = self.ports.store.now().await?.checked_add(self.longest_right());
        let furthest = self.reader().await?.furthest_ready().await?;
        let (Ok(latest), Some(furthest)) = (latest, furthest) else { return Ok(()) };
        if furthest <= latest {
            return Ok(());
        }
        let mut tx = self.ports.store.write().await?;
        tx.bring_forward(latest).await?;
        tx.commit().await
    }

    /// What is leased or waits for longer was so before the store's time was set back.
    pub(crate) fn longest_right(&self) -> SignedDuration {
        self.settings.task_lease.max(LONGEST_WAIT)
    }
}
