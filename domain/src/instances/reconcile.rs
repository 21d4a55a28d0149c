//! What to do about objects that are missing, changed by somebody else, or there for no reason.
//! The watch only hints: it may lag behind our own last write, so what is so is read afresh.

use super::{Instance, Observer, delete, scale};
use crate::{
    control_plane::ControlPlane,
    error::Result,
    ids::InstanceId,
    page::{PageKey, PageRequest},
    runtime::Workload,
    workflows::Plan,
};

impl ControlPlane {
    /// Looks at every instance after a complete list: what should stand and is not `there` is put
    /// back.
    pub(super) async fn reconcile_missing(
        &self,
        observer: Observer,
        there: impl Fn(&Instance) -> bool,
    ) -> Result<()> {
        let mut page = PageRequest::all();
        loop {
            let filter = Instance::standing_filter();
            let found = self.reader().await?.instances(&filter, &page).await?;
            for instance in found.items.iter().filter(|instance| !there(instance)) {
                self.reconcile(observer, instance.id).await?;
            }
            let last = found.items.last().filter(|_| found.has_next);
            let Some(last) = last else { return Ok(()) };
            page.after = Some(PageKey::new(last.created_at, last.id));
        }
    }

    /// Starts a workflow that makes an instance's objects as they should be, where they are not
    /// and nothing else is under way.
    pub(super) async fn reconcile(&self, observer: Observer, id: InstanceId) -> Result<()> {
        let found = self.reader().await?.instances_by_id(&[id]).await?.pop();
        let Some(instance) = found.filter(Instance::is_at_rest) else {
            return Ok(());
        };
        let under_way = self.reader().await?.live_workflows(&[id.to_string()]).await?;
        if !under_way.is_empty() {
            return Ok(());
        }
        let Some(plan) = self.remedy(&instance).await? else {
            return Ok(());
        };
        self.take_in(observer, async |work| {
            let now = work.observed(id).await?;
            if now.is_none_or(|now| now.version != instance.version)
                || !work.tx.live_workflows(&[id.to_string()]).await?.is_empty()
            {
                return Ok(None);
            }
            work.start(plan).await.map(Some)
        })
        .await
        .map(drop)
    }

    /// What makes good what a look at the cluster shows; `None` where all is well.
    async fn remedy(&self, instance: &Instance) -> Result<Option<Plan>> {
        let runtime = &self.ports.runtime;
        let limit = self.settings.task_deadline;
        Ok(match instance.wanted_replicas() {
            Some(replicas) => {
                let stored = self.reader().await?.secrets(&[instance.id.to_string()]).await?.pop();
                let workload = instance.workload(stored.map(|stored| stored.secret));
                let workload = Workload { replicas, ..workload };
                let drift = runtime.drift(&workload).await?;
                (!drift.is_empty()).then(|| scale::reconcile(instance, &workload, limit))
            }
            None => {
                let left = runtime.remains(&instance.place()).await?;
                (!left.is_empty()).then(|| delete::sweep(instance))
            }
        })
    }
}
