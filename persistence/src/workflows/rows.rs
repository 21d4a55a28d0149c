use diesel::prelude::*;
use domain::{
    ids::{TaskId, TenantId, WorkflowId},
    workflows::{
        ClaimState, Lanes, LogLine, Phase, Task, TaskAttempt, TaskStatus, Workflow, WorkflowKind,
        WorkflowStatus,
    },
};
use jiff::SignedDuration;
use serde_json::Value;

use crate::{
    schema::{task_attempts, tasks, workflows},
    types::{AsJson, AsText, Micros},
};

#[derive(Queryable, QueryableByName, Insertable, AsChangeset)]
#[diesel(table_name = workflows, treat_none_as_null = true)]
pub(super) struct WorkflowRow {
    id: AsText<WorkflowId>,
    tenant_id: AsText<TenantId>,
    kind: AsText<WorkflowKind>,
    subject_id: String,
    lane_number: i64,
    status: AsText<WorkflowStatus>,
    cancel_reason: Option<String>,
    compensating: bool,
    created_at: Micros,
    started_at: Option<Micros>,
    completed_at: Option<Micros>,
    lane_group: String,
    lanes: AsJson<Vec<String>>,
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = tasks, treat_none_as_null = true)]
pub(super) struct TaskRow {
    id: AsText<TaskId>,
    workflow_id: AsText<WorkflowId>,
    tenant_id: AsText<TenantId>,
    ordinal: i32,
    name: String,
    kind: String,
    payload_version: i32,
    phase: AsText<Phase>,
    status: AsText<TaskStatus>,
    depends_on: AsJson<Vec<TaskId>>,
    payload: AsJson<Value>,
    result: Option<AsJson<Value>>,
    error: Option<String>,
    wait_reason: Option<String>,
    attempt: i32,
    time_limit_ms: Option<i64>,
    deadline: Option<Micros>,
    created_at: Micros,
    updated_at: Micros,
    started_at: Option<Micros>,
    completed_at: Option<Micros>,
    pub(super) fence: i64,
    ready_at: Option<Micros>,
    pub(super) leased: bool,
    wakes: i64,
    memo: Option<AsJson<Value>>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = task_attempts)]
pub(super) struct AttemptRow {
    task_id: AsText<TaskId>,
    number: i32,
    pub(super) status: AsText<TaskStatus>,
    pub(super) result: Option<AsJson<Value>>,
    pub(super) error: Option<String>,
    started_at: Micros,
    pub(super) completed_at: Option<Micros>,
}

#[derive(Queryable)]
pub(super) struct LogRow {
    pub(super) task_id: AsText<TaskId>,
    pub(super) attempt: i32,
    byte_offset: i64,
    _byte_length: i64,
    body: String,
}

impl From<WorkflowRow> for Workflow {
    fn from(row: WorkflowRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            kind: row.kind.0,
            subject_id: row.subject_id,
            lanes: Lanes { group: row.lane_group, members: row.lanes.0 },
            lane_number: row.lane_number,
            status: row.status.0,
            cancel_reason: row.cancel_reason,
            compensating: row.compensating,
            created_at: row.created_at.0,
            started_at: row.started_at.map(|at| at.0),
            completed_at: row.completed_at.map(|at| at.0),
        }
    }
}

impl From<&Workflow> for WorkflowRow {
    fn from(workflow: &Workflow) -> Self {
        Self {
            id: AsText(workflow.id),
            tenant_id: AsText(workflow.tenant_id),
            kind: AsText(workflow.kind),
            subject_id: workflow.subject_id.clone(),
            lane_number: workflow.lane_number,
            status: AsText(workflow.status),
            cancel_reason: workflow.cancel_reason.clone(),
            compensating: workflow.compensating,
            created_at: Micros(workflow.created_at),
            started_at: workflow.started_at.map(Micros),
            completed_at: workflow.completed_at.map(Micros),
            lane_group: workflow.lanes.group.clone(),
            lanes: AsJson(workflow.lanes.members.clone()),
        }
    }
}

impl From<TaskRow> for Task {
    fn from(row: TaskRow) -> Self {
        Self {
            id: row.id.0,
            workflow_id: row.workflow_id.0,
            tenant_id: row.tenant_id.0,
            ordinal: row.ordinal,
            name: row.name,
            kind: row.kind,
            payload_version: row.payload_version,
            phase: row.phase.0,
            status: row.status.0,
            depends_on: row.depends_on.0,
            payload: row.payload.0,
            result: row.result.map(|json| json.0),
            error: row.error,
            wait_reason: row.wait_reason,
            memo: row.memo.map(|json| json.0),
            attempt: row.attempt,
            time_limit: row.time_limit_ms.map(SignedDuration::from_millis),
            deadline: row.deadline.map(|at| at.0),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            started_at: row.started_at.map(|at| at.0),
            completed_at: row.completed_at.map(|at| at.0),
            claim: ClaimState {
                fence: row.fence,
                ready_at: row.ready_at.map(|at| at.0),
                leased: row.leased,
                wakes: row.wakes,
            },
        }
    }
}

impl From<&Task> for TaskRow {
    fn from(task: &Task) -> Self {
        Self {
            id: AsText(task.id),
            workflow_id: AsText(task.workflow_id),
            tenant_id: AsText(task.tenant_id),
            ordinal: task.ordinal,
            name: task.name.clone(),
            kind: task.kind.clone(),
            payload_version: task.payload_version,
            phase: AsText(task.phase),
            status: AsText(task.status),
            depends_on: AsJson(task.depends_on.clone()),
            payload: AsJson(task.payload.clone()),
            result: task.result.clone().map(AsJson),
            error: task.error.clone(),
            wait_reason: task.wait_reason.clone(),
            attempt: task.attempt,
            time_limit_ms: task
                .time_limit
                .map(|limit| i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)),
            deadline: task.deadline.map(Micros),
            created_at: Micros(task.created_at),
            updated_at: Micros(task.updated_at),
            started_at: task.started_at.map(Micros),
            completed_at: task.completed_at.map(Micros),
            fence: task.claim.fence,
            ready_at: task.claim.ready_at.map(Micros),
            leased: task.claim.leased,
            wakes: task.claim.wakes,
            memo: task.memo.clone().map(AsJson),
        }
    }
}

impl From<AttemptRow> for TaskAttempt {
    fn from(row: AttemptRow) -> Self {
        Self {
            task_id: row.task_id.0,
            number: row.number,
            status: row.status.0,
            result: row.result.map(|json| json.0),
            error: row.error,
            started_at: row.started_at.0,
            completed_at: row.completed_at.map(|at| at.0),
        }
    }
}

impl From<&TaskAttempt> for AttemptRow {
    fn from(attempt: &TaskAttempt) -> Self {
        Self {
            task_id: AsText(attempt.task_id),
            number: attempt.number,
            status: AsText(attempt.status),
            result: attempt.result.clone().map(AsJson),
            error: attempt.error.clone(),
            started_at: Micros(attempt.started_at),
            completed_at: attempt.completed_at.map(Micros),
        }
    }
}

impl From<LogRow> for LogLine {
    fn from(row: LogRow) -> Self {
        Self {
            task_id: row.task_id.0,
            attempt: row.attempt,
            offset: row.byte_offset,
            text: row.body,
        }
    }
}
