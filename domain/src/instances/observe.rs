//! Taking in what the watch sees: rows and events where something of ours changed, a wake-up for
//! the tasks that wait for it, and a workflow that puts back what should stand and does not.

use std::collections::HashMap;

use super::{Instance, InstanceRuntime, scale};
use crate::{
    control_plane::ControlPlane,
    error::Result,
    events::{EventType, NewEvent, Subject},
    ids::InstanceId,
    page::{PageKey, PageRequest},
    runtime::{Observation, ObservedWorkload, Pod, Workload},
    work::{Work, image},
};

impl ControlPlane {
    /// What the cluster shows, without an end; give each piece to [`ControlPlane::observe`].
    pub fn observations(&self) -> futures::stream::BoxStream<'static, Observation> {
        self.ports.runtime.watch()
    }

    pub async fn observe(&self, observation: Observation) -> Result<()> {
        match observation {
            Observation::Connected => self.note_connection(true).await,
            Observation::Disconnected => self.note_connection(false).await,
            Observation::Workloads(workloads) => self.observe_workloads(workloads).await,
            Observation::Workload(workload) => self.observe_workload(workload).await,
            Observation::WorkloadGone(id) => self.observe_workload_gone(id).await,
            Observation::Pods(pods) => self.observe_pods(pods).await,
            Observation::Pod(pod) => self.observe_pod(pod).await,
            Observation::PodGone(pod) => self.observe_pod_gone(pod).await,
        }
    }

    async fn note_connection(&self, connected: bool) -> Result<()> {
        let target = self.ports.runtime.target();
        if self.reader().await?.target_connected(&target.name).await? == connected {
            return Ok(());
        }
        self.maintain(None, async |work| work.tx.save_target(&target, connected).await.map(Some))
            .await
            .map(drop)
    }

    /// Marks every target unseen: at the start nothing has been looked at yet.
    pub async fn forget_connections(&self) -> Result<()> {
        self.note_connection(false).await
    }

    async fn observe_workloads(&self, workloads: Vec<ObservedWorkload>) -> Result<()> {
        let mut gone = self.reader().await?.observed_instances().await?;
        gone.retain(|id| workloads.iter().all(|workload| workload.instance_id != *id));
        for id in gone {
            self.observe_workload_gone(id).await?;
        }
        let there: Vec<_> = workloads.iter().map(|workload| workload.instance_id).collect();
        for workload in workloads {
            self.observe_workload(workload).await?;
        }
        self.reconcile_all(&there).await
    }

    async fn observe_workload(&self, seen: ObservedWorkload) -> Result<()> {
        let id = seen.instance_id;
        let known = self.reader().await?.runtimes(&[id]).await?.pop();
        if known.as_ref().is_some_and(|known| same(known, &seen)) {
            return Ok(());
        }
        self.maintain(None, async |work| {
            let Some(instance) = work.observed(id).await? else {
                return Ok(None);
            };
            let runtime = InstanceRuntime {
                instance_id: id,
                ready_replicas: seen.ready_replicas,
                total_replicas: seen.total_replicas,
                message: seen.message.clone(),
                error_reason: seen.error_reason.clone(),
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

    async fn observe_workload_gone(&self, id: InstanceId) -> Result<()> {
        self.maintain(None, async |work| {
            if work.observed(id).await?.is_none() {
                return Ok(None);
            }
            work.tx.delete_runtime(id).await?;
            work.tx.wake_tasks(&id.to_string()).await.map(Some)
        })
        .await?;
        self.reconcile(id).await
    }

    async fn observe_pods(&self, pods: Vec<Pod>) -> Result<()> {
        let known = self.reader().await?.observed_pods().await?;
        for pod in &known {
            if pods.iter().all(|seen| seen.uid != pod.uid) {
                self.observe_pod_gone(pod.clone()).await?;
            }
        }
        let known: HashMap<_, _> = known.into_iter().map(|pod| (pod.uid.clone(), pod)).collect();
        for pod in pods {
            if known.get(&pod.uid) != Some(&pod) {
                self.observe_pod(pod).await?;
            }
        }
        Ok(())
    }

    async fn observe_pod(&self, pod: Pod) -> Result<()> {
        let known = self.reader().await?.pods_of_instances(&[pod.instance_id]).await?;
        let known = known.into_iter().find(|known| known.uid == pod.uid);
        if known.as_ref() == Some(&pod) {
            return Ok(());
        }
        let event = if known.is_some() { EventType::PodModified } else { EventType::PodAdded };
        self.maintain(None, async |work| {
            let Some(instance) = work.observed(pod.instance_id).await? else {
                return Ok(None);
            };
            work.tx.save_pod(&pod).await?;
            work.tell_pod(&instance, &pod, event, known.and_then(|known| known.reason))?;
            work.tx.wake_tasks(&pod.instance_id.to_string()).await.map(Some)
        })
        .await
        .map(drop)
    }

    async fn observe_pod_gone(&self, pod: Pod) -> Result<()> {
        self.maintain(None, async |work| {
            let Some(instance) = work.observed(pod.instance_id).await? else {
                return Ok(None);
            };
            work.tx.delete_pod(&pod.uid).await?;
            work.tell_pod(&instance, &pod, EventType::PodDeleted, None)?;
            work.tx.wake_tasks(&pod.instance_id.to_string()).await.map(Some)
        })
        .await
        .map(drop)
    }

    /// Looks at every instance after a complete list: what should stand and does not is put back.
    async fn reconcile_all(&self, there: &[InstanceId]) -> Result<()> {
        let mut page = PageRequest::all();
        loop {
            let filter = Instance::standing_filter();
            let found = self.reader().await?.instances(&filter, &page).await?;
            for instance in &found.items {
                if !there.contains(&instance.id) {
                    self.reconcile(instance.id).await?;
                }
            }
            let last = found.items.last().filter(|_| found.has_next);
            let Some(last) = last else { return Ok(()) };
            page.after = Some(PageKey::new(last.created_at, last.id));
        }
    }

    /// Starts a workflow that puts the instance's objects back, where they should stand and
    /// nothing else is under way.
    async fn reconcile(&self, id: InstanceId) -> Result<()> {
        self.maintain(None, async |work| {
            let Some(instance) = work.observed(id).await? else {
                return Ok(None);
            };
            let Some(replicas) = instance.wanted_replicas() else {
                return Ok(None);
            };
            if !work.tx.live_workflows(&[id.to_string()]).await?.is_empty() {
                return Ok(None);
            }
            let workload = Workload { replicas, ..work.workload(&instance).await? };
            let limit = self.settings.task_deadline;
            work.start(scale::reconcile(&instance, &workload, limit)).await.map(Some)
        })
        .await
        .map(drop)
    }
}

impl Work {
    /// The instance that an observation is about, with everybody else held off; `None` for one
    /// that is not ours.
    async fn observed(&mut self, id: InstanceId) -> Result<Option<Instance>> {
        self.tx.lock(&id.to_string()).await?;
        Ok(self.tx.instances_by_id(&[id]).await?.pop())
    }

    /// `previous` is what held the pod up before.
    fn tell_pod(
        &mut self,
        instance: &Instance,
        pod: &Pod,
        event_type: EventType,
        previous: Option<String>,
    ) -> Result<()> {
        self.tell(NewEvent {
            event_type,
            subject: Subject { id: instance.id.to_string(), parent_id: None },
            tenant_id: Some(instance.tenant_id),
            previous,
            data: image(pod)?,
        });
        Ok(())
    }
}

fn same(known: &InstanceRuntime, seen: &ObservedWorkload) -> bool {
    known.ready_replicas == seen.ready_replicas
        && known.total_replicas == seen.total_replicas
        && known.message == seen.message
        && known.error_reason == seen.error_reason
}
