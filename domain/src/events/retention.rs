use jiff::{SignedDuration, Timestamp};

use crate::{control_plane::ControlPlane, error::Result};

/// How long an idempotency key is remembered.
const KEYS_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How many events one transaction deletes at most.
const BATCH: i64 = 5_000;

impl ControlPlane {
    /// Forgets what is past retention: events, but for the newest, logs of instances, and
    /// idempotency keys. A little
    /// at a time, so that nobody waits long for it.
    pub async fn forget_the_old(&self) -> Result<()> {
        let keys = self
            .maintain(None, async |work| {
                let before = ago(work.now(), KEYS_KEPT);
                work.tx.expire_idempotency(before).await.map(Some)
            })
            .await;
        keys?;
        let kept = self.settings.event_retention;
        self.maintain(None, async |work| {
            let before = ago(work.now(), kept);
            work.tx.expire_instance_logs(before).await.map(Some)
        })
        .await?;
        while self.forget_events().await? {}
        Ok(())
    }

    /// Whether there may be more.
    async fn forget_events(&self) -> Result<bool> {
        let kept = self.settings.event_retention;
        let forgotten = self
            .maintain(None, async |work| {
                let before = ago(work.now(), kept);
                let forgotten = work.tx.expire_events(before, BATCH).await?;
                Ok(Some(forgotten).filter(|forgotten| *forgotten > 0))
            })
            .await?;
        Ok(forgotten == Some(BATCH))
    }
}

fn ago(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH)
}
