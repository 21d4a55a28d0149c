//! What people may do to a workflow: cancel it, and try again what failed.

use async_trait::async_trait;

use super::{Task, TaskStatus, Workflow, WorkflowStatus, dag, registry};
use crate::{
    control_plane::{Call, Committed, ControlPlane},
    error::{Error, Result},
    identity::{Action, Object},
    ids::{TaskId, TenantId, WorkflowId},
    names,
    store::{Session, Transaction},
    work::{Entity, Work},
};

impl ControlPlane {
    /// Wants a live workflow stopped. What runs ends when its executor reports; what was made is
    /// removed where the plan says so. A deletion goes on to its end.
    pub async fn cancel_workflow(
        &self,
        call: &Call,
        id: WorkflowId,
        reason: Option<String>,
    ) -> Result<Committed<Workflow>> {
        let reason = reason.map(|reason| names::text("reason", &reason, 200)).transpose()?;
        self.execute(call, async |work| {
            let workflow = work.own_workflow(id).await?;
            if !workflow.status.is_live() || workflow.compensating {
                return Err(refused(&workflow, WorkflowStatus::Canceled));
            }
            if !registry::is_cancellable(workflow.kind) {
                return Err(Error::Conflict(format!("workflow {id} is a deletion and goes on")));
            }
            work.cancel(workflow, reason.as_deref().unwrap_or("cancelled by a user")).await?;
            work.workflow(id).await
        })
        .await
    }

    /// Tries a failed task again, with what was cancelled because of it, also while others run.
    pub async fn retry_task(&self, call: &Call, id: TaskId) -> Result<Committed<Task>> {
        self.execute(call, async |work| {
            work.actor()?;
            let missing = || Error::not_found("task", id);
            let task = work.tx.tasks_by_id(&[id]).await?.pop().ok_or_else(missing)?;
            let workflow =
                work.own_workflow(task.workflow_id).await.map_err(|error| match error {
                    Error::NotFound { .. } => missing(),
                    other => other,
                })?;
            work.retry(workflow, |task| task.id == id).await?;
            work.tx.tasks_by_id(&[id]).await?.pop().ok_or_else(missing)
        })
        .await
    }

    /// Tries all failed tasks of a workflow again, with what was cancelled because of them.
    pub async fn retry_failed_tasks(
        &self,
        call: &Call,
        id: WorkflowId,
    ) -> Result<Committed<Workflow>> {
        self.execute(call, async |work| {
            let workflow = work.own_workflow(id).await?;
            work.retry(workflow, |task| task.status == TaskStatus::Failed).await?;
            work.workflow(id).await
        })
        .await
    }
}

impl Work {
    /// Loads a workflow that the caller may change, with its whole lane held.
    async fn own_workflow(&mut self, id: WorkflowId) -> Result<Workflow> {
        self.actor()?;
        let group = self.workflow(id).await?.lanes.group;
        self.tx.lock(&group).await?;
        let workflow = self.workflow(id).await?;
        let actor = self.actor()?;
        if !actor.sees(workflow.tenant_id) {
            return Err(Error::not_found("workflow", id));
        }
        actor.may(Action::Change, Object::Tenant(workflow.tenant_id))?;
        Ok(workflow)
    }

    pub(super) async fn workflow(&mut self, id: WorkflowId) -> Result<Workflow> {
        let found = self.tx.workflows_by_id(&[id]).await?.pop();
        found.ok_or_else(|| Error::not_found("workflow", id))
    }

    /// Revives the chosen tasks. A workflow that had ended goes to the end of its lane, and its
    /// subject is on its way again.
    async fn retry(
        &mut self,
        mut workflow: Workflow,
        chosen: impl Fn(&Task) -> bool,
    ) -> Result<()> {
        if workflow.compensating || workflow.cancel_reason.is_some() {
            return Err(refused(&workflow, WorkflowStatus::Running));
        }
        let before = self.tx.tasks_of_workflows(&[workflow.id]).await?;
        let mut tasks = before.clone();
        let failed = |task: &Task| chosen(task) && task.status == TaskStatus::Failed;
        let revived = dag::revive(&mut tasks, failed, self.now());
        if revived == 0 {
            return Err(match before.iter().find(|task| chosen(task)) {
                Some(task) => task_refused(task),
                None => refused(&workflow, WorkflowStatus::Running),
            });
        }
        if workflow.status.is_live() {
            registry::prepare(self, &workflow, &mut tasks).await?;
            return self.advance_with(workflow, &before, tasks).await;
        }
        self.admit(workflow.tenant_id, workflow.kind).await?;
        let previous = workflow.status;
        workflow.status = WorkflowStatus::Pending;
        workflow.completed_at = None;
        let group = workflow.lanes.group.clone();
        workflow.lane_number = self.tx.next_lane_number(&group).await?;
        let live = self.tx.live_workflows(&[group]).await?;
        registry::revive(self, &workflow).await?;
        self.tx.update_workflow(&workflow).await?;
        self.tell_workflow(&workflow, Some(previous))?;
        if live.iter().any(|other| workflow.is_behind(other)) {
            return self.save_tasks(&workflow, &before, &tasks).await;
        }
        registry::prepare(self, &workflow, &mut tasks).await?;
        self.advance_with(workflow, &before, tasks).await
    }
}

fn refused(workflow: &Workflow, to: WorkflowStatus) -> Error {
    Error::InvalidTransition {
        what: format!("workflow {}", workflow.id),
        from: workflow.status.as_str(),
        to: to.as_str(),
    }
}

fn task_refused(task: &Task) -> Error {
    Error::InvalidTransition {
        what: format!("task {}", task.id),
        from: task.status.as_str(),
        to: TaskStatus::Pending.as_str(),
    }
}

#[async_trait]
impl Entity for Workflow {
    type Id = WorkflowId;

    fn id(&self) -> WorkflowId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: WorkflowId) -> Result<Option<Self>> {
        Ok(session.workflows_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_workflow(self).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_workflow(self).await
    }
}

#[async_trait]
impl Entity for Task {
    type Id = TaskId;

    fn id(&self) -> TaskId {
        self.id
    }

    fn tenant_id(&self) -> Option<TenantId> {
        Some(self.tenant_id)
    }

    async fn find(session: &mut dyn Session, id: TaskId) -> Result<Option<Self>> {
        Ok(session.tasks_by_id(&[id]).await?.pop())
    }

    async fn insert(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.insert_tasks(std::slice::from_ref(self)).await
    }

    async fn update(&self, tx: &mut dyn Transaction) -> Result<()> {
        tx.update_task(self).await
    }
}
