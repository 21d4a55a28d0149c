//! Taking in what the watch sees: rows and events where something of ours changed, a wake-up for
//! the tasks that wait for it, and a second look where objects are not as they should be.

use std::collections::{HashMap, HashSet};

use super::{Instance, InstanceRuntime, Observer};
use crate::{
    control_plane::ControlPlane,
    error::Result,
    events::{EventType, NewEvent, Subject},
    ids::{DeploymentId, InstanceId, TenantId},
    runtime::{Observation, ObservedObject, ObservedWorkload, Owner, Part, Pod},
    store::Session,
    work::{Work, image},
};

/// Of a list, so many are looked up at once.
const BATCH: usize = 500;

impl ControlPlane {
    /// What the cluster shows, without an end; give each piece to [`ControlPlane::observe`].
    pub fn observations(&self) -> futures::stream::BoxStream<'static, Observation> {
        self.ports.runtime.watch()
    }

    /// Refuses with `Conflict` where another process observes by now.
    pub async fn observe(&self, observer: Observer, observation: Observation) -> Result<()> {
        match observation {
            Observation::Connected => self.note_connection(observer, true).await,
            Observation::Disconnected => self.note_connection(observer, false).await,
            Observation::Workloads(workloads) => self.observe_workloads(observer, workloads).await,
            Observation::Workload(workload) => self.observe_workload(observer, workload).await,
            Observation::WorkloadGone(owner) => self.observe_workload_gone(observer, owner).await,
            Observation::Objects(objects) => self.observe_objects(observer, &objects).await,
            Observation::Object(object) => self.observe_object(observer, object).await,
            Observation::ObjectGone(id) => self.reconcile(observer, id).await,
            Observation::Pods(pods) => self.observe_pods(observer, pods).await,
            Observation::Pod(pod) => self.observe_pod(observer, pod).await,
            Observation::PodGone(pod) => self.observe_pod_gone(observer, pod).await,
            Observation::Delivery(id) => self.observe_delivery(observer, id).await,
        }
    }

    /// Marks the cluster unseen: at the start nothing has been looked at yet.
    pub async fn forget_connection(&self, observer: Observer) -> Result<()> {
        self.note_connection(observer, false).await
    }

    async fn note_connection(&self, observer: Observer, connected: bool) -> Result<()> {
        let target = self.ports.runtime.target();
        if self.reader().await?.target_connected(&target.name).await? == connected {
            return Ok(());
        }
        self.take_in(observer, async |work| {
            work.tx.save_connection(&target.name, connected).await.map(Some)
        })
        .await
        .map(drop)
    }

    async fn observe_workloads(
        &self,
        observer: Observer,
        workloads: Vec<ObservedWorkload>,
    ) -> Result<()> {
        let there: HashSet<_> = workloads.iter().map(|workload| workload.owner).collect();
        for owner in self.observed_owners().await? {
            if !there.contains(&owner) {
                self.observe_workload_gone(observer, owner).await?;
            }
        }
        for some in workloads.chunks(BATCH) {
            let ids: Vec<_> = some.iter().filter_map(|seen| seen.owner.instance()).collect();
            let known = self.reader().await?.runtimes(&ids).await?;
            let known: HashMap<_, _> = known.iter().map(|it| (it.instance_id, it)).collect();
            let strays = self.strays(&ids).await?;
            let ours = self.ours(some.iter().map(|seen| seen.owner)).await?;
            for seen in some.iter().filter(|seen| ours.contains(&seen.owner)) {
                let id = seen.owner.instance();
                let known = id.and_then(|id| known.get(&id));
                let is_news = !known.is_some_and(|known| same(known, seen));
                let is_stray = id.is_some_and(|id| strays.contains(&id));
                if is_news || !seen.intact || is_stray {
                    self.observe_workload(observer, seen.clone()).await?;
                }
            }
        }
        let stands = |instance: &Instance| there.contains(&Owner::Instance(instance.id));
        self.reconcile_missing(observer, stands).await?;
        self.restore_missing(observer, |id| there.contains(&Owner::Cluster(id))).await
    }

    /// Whose workloads were there when last looked.
    async fn observed_owners(&self) -> Result<Vec<Owner>> {
        let mut reader = self.reader().await?;
        let instances = reader.observed_instances().await?.into_iter().map(Owner::Instance);
        let clusters = reader.sighted_clusters().await?.into_iter().map(Owner::Cluster);
        Ok(instances.chain(clusters).collect())
    }

    async fn observe_workload(&self, observer: Observer, seen: ObservedWorkload) -> Result<()> {
        let id = match seen.owner {
            Owner::Instance(id) => id,
            Owner::Cluster(id) => return self.sight_cluster(observer, id, &seen).await,
        };
        let known = self.reader().await?.runtimes(&[id]).await?.pop();
        if !known.as_ref().is_some_and(|known| same(known, &seen)) {
            self.record_workload(observer, id, &seen, known).await?;
        }
        if !seen.intact || !self.strays(&[id]).await?.is_empty() {
            self.reconcile(observer, id).await?;
        }
        Ok(())
    }

    async fn record_workload(
        &self,
        observer: Observer,
        id: InstanceId,
        seen: &ObservedWorkload,
        known: Option<InstanceRuntime>,
    ) -> Result<()> {
        self.take_in(observer, async |work| {
            let Some(instance) = work.observed(id).await?.filter(|it| it.released_at.is_none())
            else {
                return Ok(None);
            };
            let runtime = InstanceRuntime {
                instance_id: id,
                ready_replicas: seen.ready_replicas,
                total_replicas: seen.total_replicas,
                message: seen.message.clone(),
                error_reason: seen.error_reason.clone(),
                ready_endpoints: seen.ready_endpoints,
                observed_at: work.now(),
            };
            work.tx.save_runtime(&runtime).await?;
            let mut data = image(&instance)?;
            data["runtime"] = image(&runtime)?;
            work.tell(NewEvent {
                event_type: EventType::InstanceK8sSync,
                subject: Subject { id: id.to_string(), parent_id: None },
                tenant_id: Some(instance.tenant_id),
                previous: known.and_then(|known| known.error_reason),
                data,
            });
            work.tx.wake_tasks(&id.to_string()).await.map(Some)
        })
        .await
        .map(drop)
    }

    async fn observe_workload_gone(&self, observer: Observer, owner: Owner) -> Result<()> {
        let id = match owner {
            Owner::Instance(id) => id,
            Owner::Cluster(id) => return self.lose_sight_of(observer, id).await,
        };
        self.take_in(observer, async |work| {
            if work.observed(id).await?.is_none() {
                return Ok(None);
            }
            work.tx.delete_runtime(id).await?;
            work.tx.wake_tasks(&id.to_string()).await.map(Some)
        })
        .await?;
        self.reconcile(observer, id).await
    }

    async fn observe_objects(&self, observer: Observer, objects: &[ObservedObject]) -> Result<()> {
        for some in objects.chunks(BATCH) {
            let ids: Vec<_> = some.iter().map(|object| object.instance_id).collect();
            let strays = self.strays(&ids).await?;
            let amiss = |it: &&ObservedObject| !it.intact || strays.contains(&it.instance_id);
            for object in some.iter().filter(amiss) {
                self.reconcile(observer, object.instance_id).await?;
            }
        }
        let there: HashSet<_> = objects.iter().map(|it| (it.instance_id, it.part)).collect();
        let whole = |instance: &Instance| {
            [Part::Service, Part::Ingress].iter().all(|part| there.contains(&(instance.id, *part)))
        };
        self.reconcile_missing(observer, whole).await
    }

    async fn observe_object(&self, observer: Observer, object: ObservedObject) -> Result<()> {
        let id = object.instance_id;
        if object.intact && self.strays(&[id]).await?.is_empty() {
            return Ok(());
        }
        self.reconcile(observer, id).await
    }

    /// Those that this database knows: others are another Slipway's.
    async fn ours(&self, owners: impl Iterator<Item = Owner>) -> Result<HashSet<Owner>> {
        let (mut instances, mut clusters) = (Vec::new(), Vec::new());
        for owner in owners {
            match owner {
                Owner::Instance(id) => instances.push(id),
                Owner::Cluster(id) => clusters.push(id),
            }
        }
        let mut reader = self.reader().await?;
        let instances = reader.instances_by_id(&instances).await?;
        let clusters = reader.clusters_by_id(&clusters).await?;
        let instances = instances.iter().map(|it| Owner::Instance(it.id));
        Ok(instances.chain(clusters.iter().map(|it| Owner::Cluster(it.id))).collect())
    }

    /// Those of which nothing should be there any more.
    async fn strays(&self, ids: &[InstanceId]) -> Result<HashSet<InstanceId>> {
        let found = self.reader().await?.instances_by_id(ids).await?;
        Ok(found.iter().filter(|it| it.released_at.is_some()).map(|it| it.id).collect())
    }

    async fn observe_pods(&self, observer: Observer, pods: Vec<Pod>) -> Result<()> {
        let known = self.reader().await?.observed_pods().await?;
        let there: HashSet<_> = pods.iter().map(|pod| pod.uid.as_str()).collect();
        for pod in known.iter().filter(|pod| !there.contains(pod.uid.as_str())) {
            self.observe_pod_gone(observer, pod.clone()).await?;
        }
        let known: HashMap<_, _> = known.iter().map(|pod| (pod.uid.as_str(), pod)).collect();
        let is_news = |pod: &&Pod| known.get(pod.uid.as_str()) != Some(pod);
        let news: Vec<_> =
            pods.iter().filter(|pod| is_news(pod) || pod.lacks_an_object()).collect();
        for some in news.chunks(BATCH) {
            let ours = self.ours(some.iter().map(|pod| pod.owner)).await?;
            for pod in some.iter().filter(|pod| ours.contains(&pod.owner)) {
                self.observe_pod(observer, (*pod).clone()).await?;
            }
        }
        Ok(())
    }

    /// Secrets are not watched: that one is missing is told by the pod that wants it.
    async fn observe_pod(&self, observer: Observer, pod: Pod) -> Result<()> {
        let bereft = pod.owner.instance().filter(|_| pod.lacks_an_object());
        self.record_pod(observer, pod).await?;
        match bereft {
            Some(id) => self.reconcile(observer, id).await,
            None => Ok(()),
        }
    }

    async fn record_pod(&self, observer: Observer, pod: Pod) -> Result<()> {
        let known = self.reader().await?.pods_of(&[pod.owner]).await?;
        let known = known.into_iter().find(|known| known.uid == pod.uid);
        if known.as_ref() == Some(&pod) {
            return Ok(());
        }
        let event = if known.is_some() { EventType::PodModified } else { EventType::PodAdded };
        self.take_in(observer, async |work| {
            let Some(tenant) = work.observed_owner(pod.owner).await? else {
                return Ok(None);
            };
            work.tx.save_pod(&pod).await?;
            work.tell_pod(tenant, &pod, event, known.and_then(|known| known.reason))?;
            // Of a pod that is well its workload tells as much as a task has to know.
            if pod.is_troubled() {
                work.tx.wake_tasks(&pod.owner.to_string()).await?;
            }
            Ok(Some(()))
        })
        .await
        .map(drop)
    }

    async fn observe_pod_gone(&self, observer: Observer, pod: Pod) -> Result<()> {
        self.take_in(observer, async |work| {
            let Some(tenant) = work.observed_owner(pod.owner).await? else {
                return Ok(None);
            };
            work.tx.delete_pod(&pod.uid).await?;
            work.tell_pod(tenant, &pod, EventType::PodDeleted, None)?;
            work.tx.wake_tasks(&pod.owner.to_string()).await.map(Some)
        })
        .await
        .map(drop)
    }

    /// Of applications nothing is recorded: whoever waits looks at them.
    async fn observe_delivery(&self, observer: Observer, id: DeploymentId) -> Result<()> {
        let subject = id.to_string();
        self.take_in(observer, async |work| {
            work.tx.lock(&subject).await?;
            Ok(work.tx.wake_tasks(&subject).await?.then_some(()))
        })
        .await
        .map(drop)
    }
}

impl Work {
    /// The instance that an observation is about, with everybody else held off; `None` for one
    /// that is not ours.
    pub(super) async fn observed(&mut self, id: InstanceId) -> Result<Option<Instance>> {
        self.tx.lock(&id.to_string()).await?;
        Ok(self.tx.instances_by_id(&[id]).await?.pop())
    }

    /// The tenant whose thing an observation is about, with everybody else held off.
    async fn observed_owner(&mut self, owner: Owner) -> Result<Option<TenantId>> {
        self.tx.lock(&owner.to_string()).await?;
        tenant_of(&mut *self.tx, owner).await
    }

    /// `previous` is what held the pod up before.
    fn tell_pod(
        &mut self,
        tenant: TenantId,
        pod: &Pod,
        event_type: EventType,
        previous: Option<String>,
    ) -> Result<()> {
        self.tell(NewEvent {
            event_type,
            subject: Subject { id: pod.owner.to_string(), parent_id: None },
            tenant_id: Some(tenant),
            previous,
            data: image(pod)?,
        });
        Ok(())
    }
}

/// Whose thing it is; `None` for one that is not ours.
pub(super) async fn tenant_of<S: Session + ?Sized>(
    session: &mut S,
    owner: Owner,
) -> Result<Option<TenantId>> {
    Ok(match owner {
        Owner::Instance(id) => session.instances_by_id(&[id]).await?.pop().map(|it| it.tenant_id),
        Owner::Cluster(id) => session.clusters_by_id(&[id]).await?.pop().map(|it| it.tenant_id),
    })
}

fn same(known: &InstanceRuntime, seen: &ObservedWorkload) -> bool {
    known.ready_replicas == seen.ready_replicas
        && known.total_replicas == seen.total_replicas
        && known.message == seen.message
        && known.error_reason == seen.error_reason
        && known.ready_endpoints == seen.ready_endpoints
}
