use serde::Serialize;

use super::{
    Ending, Lanes, NewTask, Plan, Task, TaskAttempt, TaskFilter, TaskStatus, Workflow,
    WorkflowFilter, WorkflowKind, WorkflowStatus, dag, registry, store::LogLine, task::ClaimState,
};
use crate::{
    control_plane::{Call, ControlPlane},
    error::{Error, Result},
    events::{EventType, NewEvent, Subject},
    ids::{TaskId, TenantId, WorkflowId},
    page::{Page, PageRequest},
    quota::{Amounts, QuotaDimension},
    work::{Work, image},
};

/// Where a waiting workflow stands.
#[derive(Clone, Debug)]
pub struct Lane {
    /// How many have to end before it; 0 for one whose turn it is.
    pub position: i32,
    /// The last of them.
    pub blocked_by: Option<Workflow>,
}

/// A task in an event, with its workflow as it was then.
#[derive(Serialize)]
struct TaskImage<'a> {
    #[serde(flatten)]
    task: &'a Task,
    workflow: &'a Workflow,
}

impl ControlPlane {
    pub async fn workflows(
        &self,
        call: &Call,
        mut filter: WorkflowFilter,
        page: &PageRequest,
    ) -> Result<Page<Workflow>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.workflows(&filter, page).await
    }

    pub async fn workflow(&self, call: &Call, id: WorkflowId) -> Result<Option<Workflow>> {
        let actor = call.actor()?;
        let workflow = self.workflows_by_id(&[id]).await?.pop();
        Ok(workflow.filter(|workflow| actor.sees(workflow.tenant_id)))
    }

    pub async fn tasks(
        &self,
        call: &Call,
        mut filter: TaskFilter,
        page: &PageRequest,
    ) -> Result<Page<Task>> {
        filter.visible = call.actor()?.scope().tenants();
        self.reader().await?.tasks(&filter, page).await
    }

    pub async fn task(&self, call: &Call, id: TaskId) -> Result<Option<Task>> {
        let actor = call.actor()?;
        let task = self.tasks_by_id(&[id]).await?.pop();
        Ok(task.filter(|task| actor.sees(task.tenant_id)))
    }

    /// For edges: what a visible row points at is visible. So for all that follow.
    pub async fn workflows_by_id(&self, ids: &[WorkflowId]) -> Result<Vec<Workflow>> {
        self.reader().await?.workflows_by_id(ids).await
    }

    pub async fn workflows_of_subjects(
        &self,
        subjects: &[String],
        page: &PageRequest,
    ) -> Result<Vec<Page<Workflow>>> {
        self.reader().await?.workflows_of_subjects(subjects, page).await
    }

    pub async fn live_workflows(&self, groups: &[String]) -> Result<Vec<Workflow>> {
        self.reader().await?.live_workflows(groups).await
    }

    pub async fn tasks_by_id(&self, ids: &[TaskId]) -> Result<Vec<Task>> {
        self.reader().await?.tasks_by_id(ids).await
    }

    pub async fn tasks_of_workflows(&self, workflows: &[WorkflowId]) -> Result<Vec<Task>> {
        self.reader().await?.tasks_of_workflows(workflows).await
    }

    pub async fn attempts_of_tasks(&self, tasks: &[TaskId]) -> Result<Vec<TaskAttempt>> {
        self.reader().await?.attempts_of_tasks(tasks).await
    }

    pub async fn log_lines(
        &self,
        of: &[(TaskId, i32)],
        from: i64,
        limit: i64,
    ) -> Result<Vec<LogLine>> {
        self.reader().await?.log_lines(of, from, limit).await
    }
}

impl Lane {
    /// Finds a workflow's place among the live ones of its group, which are in order.
    pub fn of(workflow: &Workflow, live: &[Workflow]) -> Self {
        let ahead: Vec<_> = live.iter().filter(|other| workflow.is_behind(other)).collect();
        Self {
            position: i32::try_from(ahead.len()).unwrap_or(i32::MAX),
            blocked_by: ahead.last().map(|other| (*other).clone()),
        }
    }
}

impl Work {
    /// Stores a plan as a workflow at the end of its subject's lane. The caller holds the
    /// subject's lock.
    pub(crate) async fn start(&mut self, plan: Plan) -> Result<()> {
        let lanes = Lanes::whole(plan.subject_id.clone());
        self.start_in(lanes, WorkflowId::fresh(), plan).await
    }

    /// The same in other lanes, whose group the caller holds the lock of.
    pub(crate) async fn start_in(
        &mut self,
        lanes: Lanes,
        id: WorkflowId,
        plan: Plan,
    ) -> Result<()> {
        let now = self.now();
        let Plan { kind, tenant_id, subject_id, tasks } = plan;
        self.admit(tenant_id, kind).await?;
        let live = self.tx.live_workflows(std::slice::from_ref(&lanes.group)).await?;
        let mut workflow = Workflow {
            id,
            tenant_id,
            kind,
            subject_id,
            lane_number: self.tx.next_lane_number(&lanes.group).await?,
            lanes,
            status: WorkflowStatus::Pending,
            cancel_reason: None,
            compensating: false,
            created_at: now,
            started_at: None,
            completed_at: None,
        };
        let mut tasks = planned(&workflow, tasks, self);
        if !live.iter().any(|other| workflow.is_behind(other)) {
            registry::prepare(self, &workflow, &mut tasks).await?;
            dag::advance(&mut workflow, &mut tasks, now);
        }
        self.tx.insert_workflow(&workflow).await?;
        self.tell_workflow(&workflow, None)?;
        self.tx.insert_tasks(&tasks).await?;
        for task in &tasks {
            self.tell_task(task, &workflow, None)?;
        }
        self.set_started(workflow);
        Ok(())
    }

    /// Has one workflow more refused where the tenant's quota has no room for it.
    pub(super) async fn admit(&mut self, tenant: TenantId, kind: WorkflowKind) -> Result<()> {
        if !kind.takes_quota() {
            return Ok(());
        }
        let one = Amounts::of(QuotaDimension::RunningWorkflows, 1);
        let lacking = self.lacking(tenant, one).await?;
        self.note_shortfalls(lacking);
        Ok(())
    }

    /// Answers with a live workflow of this kind as the one that the mutation is about.
    pub(crate) async fn point_at_live(&mut self, subject: &str, kind: WorkflowKind) -> Result<()> {
        let live = self.tx.live_workflows(&[subject.to_owned()]).await?;
        if let Some(workflow) = live.into_iter().find(|workflow| workflow.kind == kind) {
            self.set_started(workflow);
        }
        Ok(())
    }

    /// Wants all live workflows of a subject stopped. What runs is cancelled when its executor
    /// reports, and compensated where its plan says so.
    pub(crate) async fn cancel_lane(&mut self, subject: &str, reason: &str) -> Result<()> {
        // The last goes first, so that no cancelled one lets another begin.
        let live = self.tx.live_workflows(&[subject.to_owned()]).await?;
        for workflow in live.into_iter().rev().filter(|live| live.cancel_reason.is_none()) {
            self.cancel(workflow, reason).await?;
        }
        Ok(())
    }

    /// Wants one live workflow stopped.
    pub(crate) async fn cancel(&mut self, mut workflow: Workflow, reason: &str) -> Result<()> {
        let live = self.tx.live_workflows(std::slice::from_ref(&workflow.lanes.group)).await?;
        if live.iter().any(|other| workflow.is_behind(other)) {
            workflow.cancel_reason = Some(reason.to_owned());
            return self.cancel_queued(workflow).await;
        }
        // A worker may be just beginning it: once that is over, it is read as it is then.
        self.tx.cancel_workflow(workflow.id, reason).await?;
        let workflow = self.workflow(workflow.id).await?;
        self.advance(workflow).await
    }

    /// Why a workflow did not succeed, in the words of the task that failed first.
    pub(crate) async fn failure(&mut self, workflow: &Workflow) -> Result<Option<String>> {
        let failed = self.failed_task(workflow).await?;
        Ok(failed.and_then(|task| task.error).or_else(|| workflow.cancel_reason.clone()))
    }

    pub(crate) async fn failed_task(&mut self, workflow: &Workflow) -> Result<Option<Task>> {
        let tasks = self.tx.tasks_of_workflows(&[workflow.id]).await?;
        Ok(tasks.into_iter().find(|task| task.status == TaskStatus::Failed))
    }

    async fn cancel_queued(&mut self, mut workflow: Workflow) -> Result<()> {
        let before = self.tx.tasks_of_workflows(&[workflow.id]).await?;
        let mut tasks = before.clone();
        let ending = dag::advance(&mut workflow, &mut tasks, self.now());
        self.save_tasks(&workflow, &before, &tasks).await?;
        let Some(ending) = ending else {
            return Err(Error::internal("a queued workflow had begun"));
        };
        self.end(workflow.clone(), ending).await?;
        Box::pin(self.give_way(&workflow)).await
    }

    /// Moves the workflow at the head of a lane on after one of its tasks has changed.
    pub(super) async fn advance(&mut self, workflow: Workflow) -> Result<()> {
        let before = self.tx.tasks_of_workflows(&[workflow.id]).await?;
        self.advance_with(workflow, &before, before.clone()).await
    }

    /// The same, with `tasks` as they are to be and `before` as they stand in the store.
    pub(super) async fn advance_with(
        &mut self,
        mut workflow: Workflow,
        before: &[Task],
        mut tasks: Vec<Task>,
    ) -> Result<()> {
        let compensating = workflow.compensating;
        let ending = dag::advance(&mut workflow, &mut tasks, self.now());
        self.save_tasks(&workflow, before, &tasks).await?;
        let Some(ending) = ending else {
            return match workflow.compensating == compensating {
                true => Ok(()),
                false => self.tx.update_workflow(&workflow).await,
            };
        };
        self.end(workflow.clone(), ending).await?;
        Box::pin(self.give_way(&workflow)).await
    }

    /// Begins those whose turn has come by the end of this one.
    async fn give_way(&mut self, ended: &Workflow) -> Result<()> {
        let live = self.tx.live_workflows(std::slice::from_ref(&ended.lanes.group)).await?;
        let free = |next: &&Workflow| {
            next.is_behind(ended) && !live.iter().any(|other| next.is_behind(other))
        };
        for next in live.iter().filter(free) {
            let before = self.tx.tasks_of_workflows(&[next.id]).await?;
            let mut tasks = before.clone();
            registry::prepare(self, next, &mut tasks).await?;
            Box::pin(self.advance_with(next.clone(), &before, tasks)).await?;
        }
        Ok(())
    }

    async fn end(&mut self, mut workflow: Workflow, ending: Ending) -> Result<()> {
        let previous = workflow.status;
        workflow.status = ending.into();
        workflow.completed_at = Some(self.now());
        self.tx.update_workflow(&workflow).await?;
        self.tell_workflow(&workflow, Some(previous))?;
        registry::settle(self, &workflow, ending).await
    }

    pub(crate) async fn save_tasks(
        &mut self,
        of: &Workflow,
        before: &[Task],
        tasks: &[Task],
    ) -> Result<()> {
        for (before, task) in before.iter().zip(tasks) {
            if before == task {
                continue;
            }
            self.tx.update_task(task).await?;
            if attempt_changed(before, task) {
                self.tx.save_attempt(&task.this_attempt(self.tx.now())).await?;
            }
            if told(before, task) {
                self.tell_task(task, of, Some(before.status))?;
            }
        }
        Ok(())
    }

    pub(super) fn tell_workflow(
        &mut self,
        workflow: &Workflow,
        previous: Option<WorkflowStatus>,
    ) -> Result<()> {
        self.tell(NewEvent {
            event_type: EventType::WorkflowChanged,
            subject: Subject {
                id: workflow.id.to_string(),
                parent_id: Some(workflow.subject_id.clone()),
            },
            tenant_id: Some(workflow.tenant_id),
            previous: previous.map(|status| status.as_str().to_owned()),
            data: image(workflow)?,
        });
        Ok(())
    }

    pub(super) fn tell_task(
        &mut self,
        task: &Task,
        workflow: &Workflow,
        previous: Option<TaskStatus>,
    ) -> Result<()> {
        self.tell(NewEvent {
            event_type: EventType::TaskChanged,
            subject: Subject { id: task.id.to_string(), parent_id: Some(workflow.id.to_string()) },
            tenant_id: Some(task.tenant_id),
            previous: previous.map(|status| status.as_str().to_owned()),
            data: image(&TaskImage { task, workflow })?,
        });
        Ok(())
    }
}

/// Whether the change is one that a reader of the log would want to know.
fn told(before: &Task, task: &Task) -> bool {
    before.status != task.status
        || before.attempt != task.attempt
        || before.wait_reason != task.wait_reason
        || before.error != task.error
        || before.result != task.result
}

/// A task that is or was pending is between two attempts.
fn attempt_changed(before: &Task, task: &Task) -> bool {
    let pending = [before.status, task.status].contains(&TaskStatus::Pending);
    let came_to = |task: &Task| (task.status, task.error.clone(), task.result.clone());
    task.attempt > 0 && !pending && came_to(before) != came_to(task)
}

fn planned(workflow: &Workflow, new: Vec<NewTask>, work: &Work) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::with_capacity(new.len());
    for (ordinal, new) in (0..).zip(new) {
        let depends_on = new
            .depends_on
            .iter()
            .filter_map(|name| tasks.iter().find(|task| task.name == *name))
            .map(|task| task.id)
            .collect::<Vec<_>>();
        debug_assert_eq!(depends_on.len(), new.depends_on.len(), "{} depends on later", new.name);
        tasks.push(Task {
            id: TaskId::fresh(),
            workflow_id: workflow.id,
            tenant_id: workflow.tenant_id,
            ordinal,
            name: new.name,
            kind: new.kind.to_owned(),
            payload_version: new.payload_version,
            phase: new.phase,
            status: if new.skipped { TaskStatus::Skipped } else { TaskStatus::Pending },
            depends_on,
            payload: new.payload,
            result: None,
            error: None,
            wait_reason: None,
            memo: None,
            attempt: 0,
            time_limit: new.time_limit,
            deadline: None,
            created_at: work.now(),
            updated_at: work.now(),
            started_at: None,
            completed_at: new.skipped.then(|| work.now()),
            claim: ClaimState::default(),
        });
    }
    tasks
}
