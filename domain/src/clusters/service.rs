use async_trait::async_trait;

use super::{
    Cluster, ClusterAction, ClusterBody, ClusterFilter, ClusterStatus, DevCluster, PortLease,
    Sighting, run_dev, run_search,
};
use crate::{
    control_plane::{Call, Committed, ControlPlane, Settings},
    error::{Error, Result},
    events::EventType,
    ids::{ClusterId, TenantId},
    page::{Page, PageRequest},
    store::{Session, Transaction},
    work::{Entity, Work},
    workflows::{Plan, WorkflowKind},
};

impl ControlPlane {
    /// Starts a stopped or failed development cluster, after what is under way for it.
    pub async fn start_cluster(&self, call: &Call, id: ClusterId) -> Result<Committed<Cluster>> {
        self.switch(call, id, false, run_dev::start).await
    }

    /// Stops a development cluster, after what is under way for it; its ports are kept.
    pub async fn stop_cluster(&self, call: &Call, id: ClusterId) -> Result<Committed<Cluster>> {
        self.switch(call, id, true, run_dev::stop).await
    }

    async fn switch(
        &self,
        call: &Call,
        id: ClusterId,
        stop: bool,
        plan: fn(&Cluster, &DevCluster, &Settings) -> Plan,
    ) -> Result<Committed<Cluster>> {
        self.execute(call, async |work| {
            let mut cluster = work.own::<Cluster>(id).await?;
            let aim = if stop { ClusterStatus::Stopped } else { ClusterStatus::Running };
            let gone = [ClusterStatus::Deleting, ClusterStatus::Deleted].contains(&cluster.status);
            let failed = cluster.status == ClusterStatus::Failed;
            let gone = gone || cluster.released_at.is_some();
            let refused = cluster.refused(aim);
            let Some(dev) = cluster.dev_mut() else {
                return Err(Error::invalid("id", "is not the id of a development cluster"));
            };
            let idle = dev.stopped == stop && !failed;
            if gone || idle {
                return Err(refused);
            }
            dev.stopped = stop;
            let dev = dev.clone();
            cluster.updated_at = work.now();
            work.save(&cluster, EventType::ClusterUpdated, Some(cluster.status.as_str())).await?;
            work.start(plan(&cluster, &dev, &self.settings)).await?;
            Ok(cluster)
        })
        .await
    }

    /// Deletes a cluster whatever it is doing: what runs is cancelled and the deletion queues
    /// behind it. For one that is being deleted it answers with the workflow that does it.
    pub async fn delete_cluster(&self, call: &Call, id: ClusterId) -> Result<Committed<Cluster>> {
        self.execute(call, async |work| {
            let cluster = work.own::<Cluster>(id).await?;
            let subject = id.to_string();
            if cluster.status == ClusterStatus::Deleting {
                work.point_at_live(&subject, cluster.deletion()).await?;
                return Ok(cluster);
            }
            let previous = cluster.status.as_str();
            let now = work.now();
            let cluster = cluster.apply(ClusterAction::Delete, now)?;
            // Nothing of it is left, and its name may be another's by now.
            if cluster.released_at.is_some() {
                let cluster = cluster.apply(ClusterAction::Vanished, now)?;
                work.save(&cluster, EventType::ClusterDeleted, Some(previous)).await?;
                return Ok(cluster);
            }
            work.save(&cluster, EventType::ClusterStatusChanged, Some(previous)).await?;
            work.cancel_lane(&subject, "the cluster is being deleted").await?;
            let plan = match &cluster.body {
                ClusterBody::Search(search) => {
                    run_search::delete(&cluster, &search.place(cluster.id))
                }
                ClusterBody::Dev(dev) => run_dev::delete(&cluster, dev, &self.settings),
            };
            work.start(plan).await?;
            Ok(cluster)
        })
        .await
    }

    pub async fn clusters(
        &self,
        call: &Call,
        mut filter: ClusterFilter,
        page: &PageRequest,
    ) -> Result<Page<Cluster>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.clusters(&filter, page).await
    }

    /// For edges: what a visible row points at is visible.
    pub async fn clusters_by_id(&self, ids: &[ClusterId]) -> Result<Vec<Cluster>> {
        self.reader().await?.clusters_by_id(ids).await
    }

    /// For edges: what the platform's cluster showed last.
    pub async fn sightings(&self, clusters: &[ClusterId]) -> Result<Vec<Sighting>> {
        self.reader().await?.sightings(clusters).await
    }

    /// The ports that clusters hold which the caller may see, by host and number.
    pub async fn port_leases(&self, call: &Call, host: Option<&str>) -> Result<Vec<PortLease>> {
        let visible = call.actor()?.scope().tenants();
        self.reader().await?.port_leases(host, visible.as_deref()).await
    }
}

impl Cluster {
    fn deletion(&self) -> WorkflowKind {
        match &self.body {
            ClusterBody::Search(_) => WorkflowKind::DeleteSearchCluster,
            ClusterBody::Dev(_) => WorkflowKind::DeleteDevCluster,
        }
    }
}

impl Work {
    /// Gives back all that a cluster holds in the store.
    pub(super) async fn release(&mut self, cluster: &Cluster) -> Result<()> {
        self.tx.release_quota(&cluster.id.to_string()).await?;
        self.tx.release_ports(cluster.id).await
    }
}

#[async_trait]
impl Entity for Cluster {
    type Id = ClusterId;

    fn id(&self) -> ClusterId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: ClusterId) -> Result<Option<Self>> {
        Ok(session.clusters_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        if tx.insert_cluster(self).await? {
            return Ok(());
        }
        Err(Error::AlreadyExists { kind: "cluster", name: self.name.clone() })
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_cluster(self).await
    }
}
