use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::Value;

use super::{
    Endpoint, Instance, InstanceAction, InstanceFilter, InstanceLog, InstanceRuntime,
    InstanceStatus, InstanceSummary, LogType, delete, provision, scale,
};
use crate::{
    commerce::SpecChange,
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    events::EventType,
    ids::{InstanceId, TenantId, WorkflowId},
    page::{Page, PageRequest},
    runtime::{Owner, Pod, Workload},
    secrets::SecretValues,
    store::{Session, Transaction},
    work::{Entity, Work},
    workflows::{Ending, Plan, Workflow, WorkflowKind},
};

/// What changes of an instance; what is absent stays.
#[derive(Default)]
pub struct InstanceChange {
    pub spec: SpecChange,
    /// The secret environment, all of it; `Some(None)` takes it away.
    pub secret_config: Option<Option<Value>>,
}

impl ControlPlane {
    /// Starts a stopped or failed instance.
    pub async fn start_instance(&self, call: &Call, id: InstanceId) -> Result<Committed<Instance>> {
        self.command(call, id, InstanceAction::Start, scale::start).await
    }

    /// Stops a running instance; its address is kept.
    pub async fn stop_instance(&self, call: &Call, id: InstanceId) -> Result<Committed<Instance>> {
        self.command(call, id, InstanceAction::Stop, scale::stop).await
    }

    /// Replaces the pods of a running instance.
    pub async fn restart_instance(
        &self,
        call: &Call,
        id: InstanceId,
    ) -> Result<Committed<Instance>> {
        self.command(call, id, InstanceAction::Restart, scale::restart).await
    }

    async fn command(
        &self,
        call: &Call,
        id: InstanceId,
        action: InstanceAction,
        plan: fn(&Instance, &Workload, SignedDuration) -> Plan,
    ) -> Result<Committed<Instance>> {
        self.execute(call, async |work| {
            let instance = work.own::<Instance>(id).await?;
            let previous = instance.status.as_str();
            let now = work.now();
            let mut instance = instance.apply(action, now)?;
            if action == InstanceAction::Restart {
                instance.restart_token = Some(WorkflowId::fresh().to_string());
            }
            work.save(&instance, EventType::InstanceStatusChanged, Some(previous)).await?;
            let workload = work.workload(&instance).await?;
            work.start(plan(&instance, &workload, self.settings.task_deadline)).await?;
            Ok(instance)
        })
        .await
    }

    /// Gives an instance another specification: its pods are replaced one by one. A stopped one
    /// takes it on when it starts.
    pub async fn update_instance(
        &self,
        call: &Call,
        id: InstanceId,
        change: InstanceChange,
    ) -> Result<Committed<Instance>> {
        let InstanceChange { spec: change, secret_config } = change;
        let parse = |config| SecretValues::parse("input.secretConfig", config);
        let secret = secret_config.map(|config| config.map(parse).transpose()).transpose()?;
        self.execute(call, async |work| {
            let instance = work.own::<Instance>(id).await?;
            let (previous, old) = (instance.status.as_str(), instance.spec.clone());
            let had = instance.takes();
            let spec = old.clone().changed(change).checked("input")?;
            let now = work.now();
            let stopped = instance.status == InstanceStatus::Stopped;
            let mut instance =
                if stopped { instance } else { instance.apply(InstanceAction::Update, now)? };
            instance.spec = spec;
            instance.updated_at = now;
            let image = instance.spec.image != old.image;
            let event = if image {
                EventType::InstanceImageUpdated
            } else {
                EventType::InstanceSpecChanged
            };
            let owner = instance.id.to_string();
            work.claim_quota(instance.tenant_id, &owner, instance.takes(), had).await?;
            if let Some(values) = secret {
                self.keep_secret(work, &owner, instance.tenant_id, values.as_ref()).await?;
            }
            work.save(&instance, event, Some(previous)).await?;
            if stopped {
                work.tx.use_quota(&owner).await?;
            } else {
                let workload = work.workload(&instance).await?;
                work.start(scale::update(&instance, &workload, self.settings.task_deadline))
                    .await?;
            }
            Ok(instance)
        })
        .await
    }

    /// Deletes an instance whatever it is doing: what runs is cancelled and the deletion queues
    /// behind it. For one that is being deleted it answers with the workflow that does it.
    pub async fn delete_instance(
        &self,
        call: &Call,
        id: InstanceId,
    ) -> Result<Committed<Instance>> {
        self.execute(call, async |work| {
            let instance = work.own::<Instance>(id).await?;
            if instance.status == InstanceStatus::Deleting {
                work.point_at_live(&id.to_string(), WorkflowKind::DeleteInstance).await?;
                return Ok(instance);
            }
            let previous = instance.status.as_str();
            let now = work.now();
            let instance = instance.apply(InstanceAction::Delete, now)?;
            work.save(&instance, EventType::InstanceStatusChanged, Some(previous)).await?;
            work.cancel_lane(&id.to_string(), "the instance is being deleted").await?;
            work.start(delete::plan(&instance)).await?;
            Ok(instance)
        })
        .await
    }

    pub async fn instances(
        &self,
        call: &Call,
        mut filter: InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<Instance>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.instances(&filter, page).await
    }

    /// The same page in short.
    pub async fn instance_summaries(
        &self,
        call: &Call,
        mut filter: InstanceFilter,
        page: &PageRequest,
    ) -> Result<Page<InstanceSummary>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.instance_summaries(&filter, page).await
    }

    pub async fn instance(&self, call: &Call, id: InstanceId) -> Result<Option<Instance>> {
        let actor = call.actor()?;
        let instance = self.instances_by_id(&[id]).await?.pop();
        Ok(instance.filter(|instance| actor.sees(instance.tenant_id)))
    }

    pub async fn instance_by_number(&self, call: &Call, number: i64) -> Result<Option<Instance>> {
        let actor = call.actor()?;
        let instance = self.reader().await?.instance_by_number(number).await?;
        Ok(instance.filter(|instance| actor.sees(instance.tenant_id)))
    }

    /// For edges: what a visible row points at is visible.
    pub async fn instances_by_id(&self, ids: &[InstanceId]) -> Result<Vec<Instance>> {
        self.reader().await?.instances_by_id(ids).await
    }

    /// The same in short.
    pub async fn instance_summaries_by_id(
        &self,
        ids: &[InstanceId],
    ) -> Result<Vec<InstanceSummary>> {
        self.reader().await?.instance_summaries_by_id(ids).await
    }

    /// For edges. Oldest first; `types` empty means all.
    pub async fn logs_of_instances(
        &self,
        instances: &[InstanceId],
        types: &[LogType],
        page: &PageRequest,
    ) -> Result<Vec<Page<InstanceLog>>> {
        self.reader().await?.logs_of_instances(instances, types, page).await
    }

    pub async fn runtimes(&self, instances: &[InstanceId]) -> Result<Vec<InstanceRuntime>> {
        self.reader().await?.runtimes(instances).await
    }

    pub fn endpoint(&self, instance: &Instance) -> Endpoint {
        instance.endpoint(self.settings.ingress_tls)
    }

    /// What holds up the workflows that run for them.
    pub async fn troubles(&self, owners: &[Owner]) -> Result<Vec<(Owner, String)>> {
        let subjects: Vec<String> = owners.iter().map(ToString::to_string).collect();
        let troubles = self.reader().await?.troubles_of_subjects(&subjects).await?;
        troubles.into_iter().map(|(subject, trouble)| Ok((subject.parse()?, trouble))).collect()
    }

    pub async fn pods_of(&self, owners: &[Owner]) -> Result<Vec<Pod>> {
        self.reader().await?.pods_of(owners).await
    }
}

/// What the end of an instance's workflow means for the instance.
pub(crate) async fn settle(work: &mut Work, workflow: &Workflow, ending: Ending) -> Result<()> {
    let id = workflow.subject_id.parse()?;
    let instance = work.locked::<Instance>(id).await?;
    let action = match (workflow.kind, ending) {
        (WorkflowKind::ProvisionInstance, ending) => {
            return provision::settle(work, workflow, instance, ending).await;
        }
        (WorkflowKind::ReconcileInstance | WorkflowKind::SweepInstance, _) => return Ok(()),
        // Cancelled by the deletion of the instance, which goes its own way.
        (_, Ending::Canceled) if instance.status == InstanceStatus::Deleting => return Ok(()),
        (_, Ending::Failed | Ending::Canceled) => InstanceAction::Fail,
        (WorkflowKind::StopInstance, Ending::Success) => InstanceAction::Halted,
        (WorkflowKind::DeleteInstance, Ending::Success) => {
            work.tx.delete_secret(&workflow.subject_id).await?;
            work.tx.release_quota(&workflow.subject_id).await?;
            InstanceAction::Vanished
        }
        (_, Ending::Success) => {
            work.tx.use_quota(&workflow.subject_id).await?;
            InstanceAction::Ran
        }
    };
    let previous = instance.status.as_str();
    let now = work.now();
    let instance = match action {
        InstanceAction::Fail => instance.fail(work.failure(workflow).await?, now)?,
        action => instance.apply(action, now)?,
    };
    work.save(&instance, event_of(action), Some(previous)).await?;
    if action == InstanceAction::Vanished {
        work.announce(&instance, EventType::InstanceImageRemoved)?;
    }
    Ok(())
}

/// Puts an instance on its way again when its failed workflow is tried again.
pub(crate) async fn revive(work: &mut Work, workflow: &Workflow) -> Result<()> {
    let action = match workflow.kind {
        WorkflowKind::StartInstance => InstanceAction::Start,
        WorkflowKind::StopInstance => InstanceAction::Stop,
        WorkflowKind::RestartInstance => InstanceAction::Restart,
        WorkflowKind::UpdateInstance => InstanceAction::Update,
        _ => return Ok(()),
    };
    let instance = work.locked::<Instance>(workflow.subject_id.parse()?).await?;
    let previous = instance.status.as_str();
    let now = work.now();
    let instance = instance.apply(action, now)?;
    work.save(&instance, EventType::InstanceStatusChanged, Some(previous)).await
}

fn event_of(action: InstanceAction) -> EventType {
    match action {
        InstanceAction::Ran => EventType::InstanceStarted,
        InstanceAction::Halted => EventType::InstanceStopped,
        InstanceAction::Vanished => EventType::InstanceDeleted,
        _ => EventType::InstanceStatusChanged,
    }
}

#[async_trait]
impl Entity for Instance {
    type Id = InstanceId;

    fn id(&self) -> InstanceId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: InstanceId) -> Result<Option<Self>> {
        Ok(session.instances_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        if tx.insert_instance(self).await? {
            return Ok(());
        }
        Err(Error::AlreadyExists { kind: "instance", name: self.name.clone() })
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_instance(self).await
    }
}
