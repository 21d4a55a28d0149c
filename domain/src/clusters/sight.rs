//! What the platform's cluster shows of search clusters, and what is to be done about what has
//! vanished.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cluster, ClusterFilter, ClusterStatus, run_search};
use crate::{
    control_plane::ControlPlane,
    error::Result,
    events::EventType,
    ids::ClusterId,
    instances::Observer,
    page::{PageKey, PageRequest},
    runtime::{ObservedWorkload, Pod},
};

/// What was seen last of a search cluster's StatefulSet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sighting {
    pub cluster_id: ClusterId,
    pub ready_replicas: i32,
    pub total_replicas: i32,
    pub message: Option<String>,
    pub error_reason: Option<String>,
    pub observed_at: Timestamp,
}

/// How a search cluster is, as its pods show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// All replicas are ready.
    Running,
    /// Some are on their way.
    Starting,
    /// Something is wrong with one.
    Troubled,
    /// Nothing of it is there.
    Absent,
}

impl Health {
    pub fn of(seen: Option<&Sighting>, pods: &[Pod]) -> Self {
        match seen {
            None => Self::Absent,
            Some(seen) if seen.ready_replicas >= seen.total_replicas => Self::Running,
            Some(seen) if seen.error_reason.is_some() => Self::Troubled,
            Some(_) if pods.iter().any(Pod::is_troubled) => Self::Troubled,
            Some(_) => Self::Starting,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Starting => "Starting",
            Self::Troubled => "Troubled",
            Self::Absent => "Absent",
        }
    }
}

impl Sighting {
    fn of(id: ClusterId, seen: &ObservedWorkload, observed_at: Timestamp) -> Self {
        Self {
            cluster_id: id,
            ready_replicas: seen.ready_replicas,
            total_replicas: seen.total_replicas,
            message: seen.message.clone(),
            error_reason: seen.error_reason.clone(),
            observed_at,
        }
    }
}

impl ControlPlane {
    /// Records what differs from what was seen last.
    pub(crate) async fn sight_cluster(
        &self,
        observer: Observer,
        id: ClusterId,
        seen: &ObservedWorkload,
    ) -> Result<()> {
        let known = self.reader().await?.sightings(&[id]).await?.pop();
        if known.as_ref().is_some_and(|known| *known == Sighting::of(id, seen, known.observed_at)) {
            return Ok(());
        }
        self.take_in(observer, async |work| {
            work.tx.lock(&id.to_string()).await?;
            let cluster = work.tx.clusters_by_id(&[id]).await?.pop();
            let Some(cluster) = cluster.filter(|cluster| cluster.released_at.is_none()) else {
                return Ok(None);
            };
            work.tx.save_sighting(&Sighting::of(id, seen, work.now())).await?;
            work.announce(&cluster, EventType::ClusterK8sSync)?;
            work.tx.wake_tasks(&id.to_string()).await.map(Some)
        })
        .await
        .map(drop)
    }

    pub(crate) async fn lose_sight_of(&self, observer: Observer, id: ClusterId) -> Result<()> {
        self.take_in(observer, async |work| {
            work.tx.lock(&id.to_string()).await?;
            let Some(cluster) = work.tx.clusters_by_id(&[id]).await?.pop() else {
                return Ok(None);
            };
            work.tx.delete_sighting(id).await?;
            work.announce(&cluster, EventType::ClusterK8sSync)?;
            work.tx.wake_tasks(&id.to_string()).await.map(Some)
        })
        .await?;
        self.restore(observer, id).await
    }

    /// Puts back the search clusters that should stand and are not `there`, after a complete list.
    pub(crate) async fn restore_missing(
        &self,
        observer: Observer,
        there: impl Fn(ClusterId) -> bool,
    ) -> Result<()> {
        let status = Some(vec![ClusterStatus::Created]);
        let filter = ClusterFilter { status, ..ClusterFilter::default() };
        let mut page = PageRequest::all();
        loop {
            let found = self.reader().await?.clusters(&filter, &page).await?;
            for cluster in found.items.iter().filter(|cluster| !there(cluster.id)) {
                self.restore(observer, cluster.id).await?;
            }
            let last = found.items.last().filter(|_| found.has_next);
            let Some(last) = last else { return Ok(()) };
            page.after = Some(PageKey::new(last.created_at, last.id));
        }
    }

    /// Where a search cluster should stand and nothing is under way for it.
    /// The watch only hints, so that is read afresh.
    async fn restore(&self, observer: Observer, id: ClusterId) -> Result<()> {
        let known = self.reader().await?.clusters_by_id(&[id]).await?.pop();
        let Some(place) = known.as_ref().and_then(|it| Some(it.search()?.place(id))) else {
            return Ok(());
        };
        if self.ports.search.search_rollout(&place).await?.is_some() {
            return Ok(());
        }
        self.take_in(observer, async |work| {
            work.tx.lock(&id.to_string()).await?;
            let cluster = work.tx.clusters_by_id(&[id]).await?.pop();
            let standing = |cluster: &Cluster| cluster.status == ClusterStatus::Created;
            let Some(cluster) = cluster.filter(standing) else { return Ok(None) };
            let Some(search) = cluster.search() else { return Ok(None) };
            if !work.tx.live_workflows(&[id.to_string()]).await?.is_empty() {
                return Ok(None);
            }
            let workload = search.workload(id)?;
            let limit = self.settings.task_deadline;
            work.start(run_search::reconcile(&cluster, &workload, limit)).await.map(Some)
        })
        .await
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(ready: i32, total: i32) -> Sighting {
        Sighting {
            cluster_id: ClusterId::fresh(),
            ready_replicas: ready,
            total_replicas: total,
            message: None,
            error_reason: None,
            observed_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn health_is_what_the_replicas_show() {
        assert_eq!(Health::of(None, &[]), Health::Absent);
        assert_eq!(Health::of(Some(&seen(3, 3)), &[]), Health::Running);
        assert_eq!(Health::of(Some(&seen(2, 3)), &[]), Health::Starting);
    }
}
