//! Creating an instance: namespace, Deployment, Service and Ingress, then waiting until it runs.
//! What fails or is cancelled is removed again, and the order is owed a refund.

use jiff::SignedDuration;

use super::{
    ApplyPart, ApplySecret, AwaitRollout, Instance, InstanceAction, InstanceStatus, delete,
};
use crate::{
    commerce::{Order, OrderAction},
    control_plane::Settings,
    error::{Error, Result},
    events::EventType,
    ids::InstanceId,
    quota::Amounts,
    runtime::{Part, Workload},
    work::Work,
    workflows::{Ending, NewTask, Plan, Workflow, WorkflowKind},
};

fn plan(instance: &Instance, workload: &Workload, limit: SignedDuration) -> Plan {
    let mut tasks = standing(workload, limit);
    tasks.extend(delete::removal(instance).map(NewTask::as_compensation));
    Plan {
        kind: WorkflowKind::ProvisionInstance,
        tenant_id: instance.tenant_id,
        subject_id: instance.id.to_string(),
        tasks,
    }
}

/// The tasks that make all objects stand and wait for them.
pub(super) fn standing(workload: &Workload, limit: SignedDuration) -> Vec<NewTask> {
    let apply = |name, part| {
        let workload = workload.clone();
        NewTask::new(name, &ApplyPart { part, workload }).within(limit)
    };
    let workload = workload.clone();
    let mut tasks = vec![apply("apply_namespace", Part::Namespace)];
    let mut before_deployment: &'static [_] = &["apply_namespace"];
    if workload.secret.is_some() {
        let secret = ApplySecret { workload: workload.clone() };
        let secret = NewTask::new("apply_secret", &secret).after(before_deployment);
        tasks.push(secret.within(limit));
        before_deployment = &["apply_secret"];
    }
    tasks.extend([
        apply("apply_deployment", Part::Deployment).after(before_deployment),
        apply("apply_service", Part::Service).after(&["apply_namespace"]),
        apply("apply_ingress", Part::Ingress).after(&["apply_service"]),
        NewTask::new("await_rollout", &AwaitRollout { workload })
            .after(&["apply_deployment", "apply_ingress"])
            .within(limit),
    ]);
    tasks
}

impl Work {
    /// What should run while the instance is wanted.
    pub(super) async fn workload(&mut self, instance: &Instance) -> Result<Workload> {
        let stored = self.tx.secrets(&[instance.id.to_string()]).await?.pop();
        Ok(instance.workload(stored.map(|stored| stored.secret)))
    }

    /// Makes the instance that an order has paid for, and starts its workflow.
    pub(crate) async fn provision(
        &mut self,
        order: &Order,
        settings: &Settings,
    ) -> Result<Instance> {
        let tenant = self.tx.tenants_by_id(&[order.tenant_id]).await?.pop();
        let tenant = tenant.ok_or_else(|| Error::not_found("tenant", order.tenant_id))?;
        let product = self.tx.products_by_id(&[order.product_id]).await?.pop();
        let product = product.ok_or_else(|| Error::not_found("product", order.product_id))?;
        let buyer = self.tx.users_by_id(&[order.user_id]).await?.pop();
        let buyer = buyer.ok_or_else(|| Error::not_found("user", order.user_id))?;
        let now = self.now();
        let number = self.tx.next_number(buyer.number, now).await?;
        let instance = Instance {
            id: InstanceId::fresh(),
            number,
            tenant_id: tenant.id,
            owner_id: buyer.id,
            order_id: Some(order.id),
            name: order.instance_name.clone(),
            status: InstanceStatus::Creating,
            spec: product.spec,
            namespace: tenant.namespace(Instance::NAMESPACE),
            host: format!("{}-{}.{}", order.instance_name, number, settings.ingress_domain),
            restart_token: None,
            failure: None,
            released_at: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            version: 0,
        };
        self.insert(&instance, EventType::InstanceCreated).await?;
        self.announce(&instance, EventType::InstanceNetworkUpdated)?;
        let subject = instance.id.to_string();
        self.claim_quota(tenant.id, &subject, instance.takes(), Amounts::NONE).await?;
        self.tx.move_secret(&order.id.to_string(), &subject).await?;
        let workload = self.workload(&instance).await?;
        self.start(plan(&instance, &workload, settings.task_deadline)).await?;
        Ok(instance)
    }
}

/// What the end of the workflow means for instance and order.
pub(super) async fn settle(
    work: &mut Work,
    workflow: &Workflow,
    instance: Instance,
    ending: Ending,
) -> Result<()> {
    let succeeded = ending == Ending::Success;
    let order_id = instance.order_id;
    if instance.status == InstanceStatus::Creating {
        let previous = instance.status.as_str();
        let now = work.now();
        let instance = if succeeded {
            work.tx.use_quota(&workflow.subject_id).await?;
            instance.apply(InstanceAction::Ran, now)?
        } else {
            work.tx.release_quota(&workflow.subject_id).await?;
            work.tx.delete_secret(&workflow.subject_id).await?;
            let failed = instance.fail(work.failure(workflow).await?, now)?;
            Instance { released_at: Some(now), ..failed }
        };
        let event =
            if succeeded { EventType::InstanceStarted } else { EventType::InstanceStatusChanged };
        work.save(&instance, event, Some(previous)).await?;
    }
    let Some(order_id) = order_id else {
        return Ok(());
    };
    let order = work.locked::<Order>(order_id).await?;
    let previous = order.status.as_str();
    let now = work.now();
    let (action, event) = if succeeded {
        (OrderAction::Complete, EventType::OrderCompleted)
    } else {
        (OrderAction::Fail, EventType::OrderCancelled)
    };
    let order = order.apply(action, now)?;
    work.save(&order, event, Some(previous)).await
}
