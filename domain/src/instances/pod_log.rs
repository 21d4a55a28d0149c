//! What pods write.

use futures::stream::BoxStream;

use super::observe::tenant_of;
use crate::{
    control_plane::{Call, ControlPlane},
    error::{Error, Result},
    runtime::{LogPosition, Pod, PodLogLine},
};

impl ControlPlane {
    /// The most lines of a log that are read at once.
    pub const MOST_LOG_LINES: i64 = 1000;

    /// The last lines of a pod's log; `None` where it has none.
    pub async fn pod_log(&self, pod: &Pod, lines: i64) -> Result<Option<String>> {
        if !(1..=Self::MOST_LOG_LINES).contains(&lines) {
            let message = format!("must be from 1 to {}", Self::MOST_LOG_LINES);
            return Err(Error::invalid("tail", message));
        }
        self.ports.runtime.log(&pod.pod_name(), lines).await
    }

    /// The log of a pod that the caller may see, as it grows.
    pub async fn follow_pod_log(
        &self,
        call: &Call,
        uid: &str,
        after: Option<LogPosition>,
    ) -> Result<BoxStream<'static, Result<PodLogLine>>> {
        let missing = || Error::not_found("pod", uid);
        let actor = call.actor()?;
        let mut reader = self.reader().await?;
        let pod = reader.pod(uid).await?.ok_or_else(missing)?;
        let tenant = tenant_of(&mut *reader, pod.owner).await?;
        if !tenant.is_some_and(|tenant| actor.sees(tenant)) {
            return Err(missing());
        }
        Ok(self.ports.runtime.follow_log(&pod.pod_name(), after))
    }
}
