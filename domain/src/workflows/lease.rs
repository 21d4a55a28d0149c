//! How a worker keeps a task that takes longer than a lease.

use jiff::SignedDuration;

use super::Claim;
use crate::{control_plane::ControlPlane, error::Result};

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
}
