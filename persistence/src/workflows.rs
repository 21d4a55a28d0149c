use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;
use domain::{
    Result,
    ids::{TaskId, TenantId, WorkflowId},
    page::{Page, PageRequest},
    store::Transaction,
    workflows::{
        Claim, ClaimState, LogLine, Phase, Task, TaskAttempt, TaskFilter, TaskStatus, Workflow,
        WorkflowFilter, WorkflowKind, WorkflowReads, WorkflowStatus, WorkflowWrites,
    },
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    backend::{Conn, run},
    error::database,
    page::{keyset, stale},
    schema::{task_attempts, task_logs, tasks, workflows},
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable, QueryableByName, Insertable, AsChangeset)]
#[diesel(table_name = workflows, treat_none_as_null = true)]
struct WorkflowRow {
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
}

#[derive(Queryable, Insertable, AsChangeset)]
#[diesel(table_name = tasks, treat_none_as_null = true)]
struct TaskRow {
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
    fence: i64,
    ready_at: Option<Micros>,
    leased: bool,
    wakes: i64,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = task_attempts)]
struct AttemptRow {
    task_id: AsText<TaskId>,
    number: i32,
    status: AsText<TaskStatus>,
    result: Option<AsJson<Value>>,
    error: Option<String>,
    started_at: Micros,
    completed_at: Option<Micros>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = task_logs)]
struct LogRow {
    task_id: AsText<TaskId>,
    attempt: i32,
    byte_offset: i64,
    byte_length: i64,
    body: String,
}

macro_rules! filtered_workflows {
    ($backend:ident, $filter:expr) => {{
        let mut query = workflows::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(workflows::tenant_id.eq_any(texts(visible)));
        }
        if let Some(status) = &$filter.status {
            query = query.filter(workflows::status.eq_any(texts(status)));
        }
        if let Some(kind) = &$filter.kind {
            query = query.filter(workflows::kind.eq(kind));
        }
        if let Some(subject) = &$filter.subject_id {
            query = query.filter(workflows::subject_id.eq(subject));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(workflows::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

macro_rules! filtered_tasks {
    ($backend:ident, $filter:expr) => {{
        let mut query = tasks::table.into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(tasks::tenant_id.eq_any(texts(visible)));
        }
        if let Some(status) = &$filter.status {
            query = query.filter(tasks::status.eq_any(texts(status)));
        }
        if let Some(kind) = &$filter.kind {
            query = query.filter(tasks::kind.eq(kind));
        }
        if let Some(workflow) = $filter.workflow_id {
            query = query.filter(tasks::workflow_id.eq(AsText(workflow)));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(tasks::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

/// The task that has been due longest of workflows in a status. PostgreSQL also locks it, and
/// passes over those that others are claiming; SQLite's one writer needs no lock.
macro_rules! due {
    ($now:expr, $known:expr, $status:expr) => {{
        let kinds: Vec<&str> = $known.iter().map(|(kind, _)| *kind).collect();
        let newest = $known.iter().map(|(_, version)| *version).max().unwrap_or(0);
        tasks::table
            .inner_join(workflows::table)
            .filter(tasks::ready_at.le(Micros($now)))
            .filter(workflows::status.eq(AsText($status)))
            .filter(tasks::kind.eq_any(kinds))
            .filter(tasks::payload_version.le(newest))
            .order((tasks::ready_at, tasks::id))
            .select((tasks::all_columns, workflows::all_columns))
            .limit(1)
    }};
}

#[async_trait]
impl WorkflowReads for Conn {
    async fn workflows_by_id(&mut self, ids: &[WorkflowId]) -> Result<Vec<Workflow>> {
        let rows: Vec<WorkflowRow> =
            run!(self, |c| workflows::table.filter(workflows::id.eq_any(texts(ids))).load(c))
                .map_err(database)?;
        Ok(rows.into_iter().map(Workflow::from).collect())
    }

    async fn workflows(
        &mut self,
        filter: &WorkflowFilter,
        page: &PageRequest,
    ) -> Result<Page<Workflow>> {
        let rows: Vec<WorkflowRow> =
            run!(self, |c, DB| keyset!(filtered_workflows!(DB, filter), workflows, page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_workflows!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Workflow::from).collect(), page.first, total))
    }

    async fn workflows_of_subjects(
        &mut self,
        subjects: &[String],
        page: &PageRequest,
    ) -> Result<Vec<Page<Workflow>>> {
        let ranked = self.ranked_workflows(subjects, page).await?;
        let counts = match page.count {
            true => self.count_workflows(subjects).await?,
            false => Vec::new(),
        };
        let page_of = |subject: &String| {
            let items = ranked.iter().filter(|workflow| workflow.subject_id == *subject);
            let total = page.count.then(|| {
                counts.iter().find(|(of, _)| of == subject).map_or(0, |(_, count)| *count)
            });
            Page::from_rows(items.cloned().collect(), page.first, total)
        };
        Ok(subjects.iter().map(page_of).collect())
    }

    async fn live_workflows(&mut self, subjects: &[String]) -> Result<Vec<Workflow>> {
        let live = texts(WorkflowStatus::LIVE);
        let rows: Vec<WorkflowRow> = run!(self, |c| workflows::table
            .filter(workflows::subject_id.eq_any(subjects))
            .filter(workflows::status.eq_any(&live))
            .order((workflows::subject_id, workflows::lane_number))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Workflow::from).collect())
    }

    async fn tasks_by_id(&mut self, ids: &[TaskId]) -> Result<Vec<Task>> {
        let rows: Vec<TaskRow> =
            run!(self, |c| tasks::table.filter(tasks::id.eq_any(texts(ids))).load(c))
                .map_err(database)?;
        Ok(rows.into_iter().map(Task::from).collect())
    }

    async fn tasks(&mut self, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>> {
        let rows: Vec<TaskRow> =
            run!(self, |c, DB| keyset!(filtered_tasks!(DB, filter), tasks, page).load(c))
                .map_err(database)?;
        let total = match page.count {
            true => Some(
                run!(self, |c, DB| filtered_tasks!(DB, filter).count().get_result(c))
                    .map_err(database)?,
            ),
            false => None,
        };
        Ok(Page::from_rows(rows.into_iter().map(Task::from).collect(), page.first, total))
    }

    async fn tasks_of_workflows(&mut self, workflows: &[WorkflowId]) -> Result<Vec<Task>> {
        let ids = texts(workflows);
        let rows: Vec<TaskRow> = run!(self, |c| tasks::table
            .filter(tasks::workflow_id.eq_any(&ids))
            .order((tasks::workflow_id, tasks::ordinal))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Task::from).collect())
    }

    async fn attempts_of_tasks(&mut self, tasks: &[TaskId]) -> Result<Vec<TaskAttempt>> {
        let ids = texts(tasks);
        let rows: Vec<AttemptRow> = run!(self, |c| task_attempts::table
            .filter(task_attempts::task_id.eq_any(&ids))
            .order((task_attempts::task_id, task_attempts::number))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(TaskAttempt::from).collect())
    }

    async fn log_lines(
        &mut self,
        of: &[(TaskId, i32)],
        from: i64,
        limit: i64,
    ) -> Result<Vec<LogLine>> {
        let ids: Vec<String> = of.iter().map(|(task, _)| task.to_string()).collect();
        let rows: Vec<LogRow> = run!(self, |c| task_logs::table
            .filter(task_logs::task_id.eq_any(&ids))
            .filter((task_logs::byte_offset + task_logs::byte_length).gt(from))
            .filter(task_logs::byte_offset.lt(from.saturating_add(limit)))
            .order((task_logs::task_id, task_logs::attempt, task_logs::byte_offset))
            .load(c))
        .map_err(database)?;
        let wanted = rows.into_iter().filter(|row| of.contains(&(row.task_id.0, row.attempt)));
        Ok(wanted.map(LogLine::from).collect())
    }

    async fn next_ready(&mut self) -> Result<Option<Timestamp>> {
        let next: Option<Option<Micros>> = run!(self, |c| tasks::table
            .select(tasks::ready_at)
            .filter(tasks::ready_at.is_not_null())
            .order(tasks::ready_at)
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(next.flatten().map(|at| at.0))
    }
}

#[async_trait]
impl WorkflowWrites for Conn {
    async fn insert_workflow(&mut self, workflow: &Workflow) -> Result<()> {
        let row = WorkflowRow::from(workflow);
        run!(self, |c| diesel::insert_into(workflows::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn update_workflow(&mut self, workflow: &Workflow) -> Result<()> {
        let row = WorkflowRow::from(workflow);
        let this = workflows::id.eq(AsText(workflow.id));
        run!(self, |c| diesel::update(workflows::table).filter(this).set(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn next_lane_number(&mut self, subject: &str) -> Result<i64> {
        use diesel::dsl::max;

        let newest: Option<i64> = run!(self, |c| workflows::table
            .select(max(workflows::lane_number))
            .filter(workflows::subject_id.eq(subject))
            .first(c))
        .map_err(database)?;
        Ok(newest.unwrap_or(0) + 1)
    }

    async fn insert_task(&mut self, task: &Task) -> Result<()> {
        let row = TaskRow::from(task);
        run!(self, |c| diesel::insert_into(tasks::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn update_task(&mut self, task: &Task) -> Result<()> {
        let row = TaskRow { fence: task.claim.fence + 1, ..TaskRow::from(task) };
        let unchanged = tasks::id.eq(AsText(task.id)).and(tasks::fence.eq(task.claim.fence));
        let changed =
            run!(self, |c| diesel::update(tasks::table).filter(unchanged).set(&row).execute(c))
                .map_err(database)?;
        stale(changed, "task", task.id)
    }

    async fn claim_task(
        &mut self,
        known: &[(&'static str, i32)],
        lease: SignedDuration,
        cap: i64,
    ) -> Result<Option<Claim>> {
        let found = match self.due_task(known, WorkflowStatus::Running).await? {
            Some(found) => Some(found),
            None if self.has_room(cap).await? => {
                self.due_task(known, WorkflowStatus::Pending).await?
            }
            None => None,
        };
        let Some((task, workflow)) = found else {
            return Ok(None);
        };
        let now = Transaction::now(self);
        let taken_over = task.leased;
        let mut task = Task::from(task);
        task.claim.leased = true;
        task.claim.ready_at = now.checked_add(lease).ok();
        self.update_task(&task).await?;
        task.claim.fence += 1;
        Ok(Some(Claim { task, workflow: workflow.into(), taken_over, at: now }))
    }

    async fn wake_tasks(&mut self, subject: &str) -> Result<()> {
        let now = Micros(Transaction::now(self));
        let running = || {
            workflows::table
                .select(workflows::id)
                .filter(workflows::subject_id.eq(subject))
                .filter(workflows::status.eq(WorkflowStatus::Running.as_str()))
        };
        let waiting = tasks::status.eq(TaskStatus::Running.as_str());
        run!(self, |c| diesel::update(tasks::table)
            .filter(waiting.and(tasks::workflow_id.eq_any(running())))
            .set(tasks::wakes.eq(tasks::wakes + 1))
            .execute(c))
        .map_err(database)?;
        let idle = tasks::leased.eq(false).and(tasks::ready_at.is_not_null());
        run!(self, |c| diesel::update(tasks::table)
            .filter(waiting.and(idle).and(tasks::workflow_id.eq_any(running())))
            .set(tasks::ready_at.eq(now))
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn save_attempt(&mut self, attempt: &TaskAttempt) -> Result<()> {
        let row = AttemptRow {
            task_id: AsText(attempt.task_id),
            number: attempt.number,
            status: AsText(attempt.status),
            result: attempt.result.clone().map(AsJson),
            error: attempt.error.clone(),
            started_at: Micros(attempt.started_at),
            completed_at: attempt.completed_at.map(Micros),
        };
        let came_to = (
            task_attempts::status.eq(row.status),
            task_attempts::result.eq(row.result.clone()),
            task_attempts::error.eq(row.error.clone()),
            task_attempts::completed_at.eq(row.completed_at),
        );
        run!(self, |c| diesel::insert_into(task_attempts::table)
            .values(&row)
            .on_conflict((task_attempts::task_id, task_attempts::number))
            .do_update()
            .set(came_to)
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn append_log(&mut self, task: TaskId, attempt: i32, text: &str) -> Result<i64> {
        let end: Option<i64> = run!(self, |c| task_logs::table
            .select(task_logs::byte_offset + task_logs::byte_length)
            .filter(task_logs::task_id.eq(AsText(task)).and(task_logs::attempt.eq(attempt)))
            .order(task_logs::byte_offset.desc())
            .first(c))
        .optional()
        .map_err(database)?;
        let row = LogRow {
            task_id: AsText(task),
            attempt,
            byte_offset: end.unwrap_or(0),
            byte_length: i64::try_from(text.len()).unwrap_or(i64::MAX),
            body: text.to_owned(),
        };
        run!(self, |c| diesel::insert_into(task_logs::table).values(&row).execute(c))
            .map_err(database)?;
        Ok(row.byte_offset + row.byte_length)
    }
}

impl Conn {
    async fn due_task(
        &mut self,
        known: &[(&'static str, i32)],
        status: WorkflowStatus,
    ) -> Result<Option<(TaskRow, WorkflowRow)>> {
        let now = Transaction::now(self);
        run!(
            self,
            sqlite: |c| due!(now, known, status).first(c),
            postgres: |c| due!(now, known, status).for_update().skip_locked().first(c)
        )
        .optional()
        .map_err(database)
    }

    /// Whether another workflow may begin. Whoever asks on PostgreSQL goes one at a time.
    async fn has_room(&mut self, cap: i64) -> Result<bool> {
        self.lock("workflows/cap").await?;
        let running: i64 = run!(self, |c| workflows::table
            .filter(workflows::status.eq(WorkflowStatus::Running.as_str()))
            .count()
            .get_result(c))
        .map_err(database)?;
        Ok(running < cap)
    }

    /// The newest workflows of each subject, as many as a page holds and one more.
    async fn ranked_workflows(
        &mut self,
        subjects: &[String],
        page: &PageRequest,
    ) -> Result<Vec<Workflow>> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let places: Vec<String> = (1..=subjects.len()).map(|n| format!("${n}")).collect();
        let n = subjects.len();
        let after = match &page.after {
            Some(_) => format!(
                "AND (created_at < ${0} OR (created_at = ${0} AND id < ${1}))",
                n + 2,
                n + 3
            ),
            None => String::new(),
        };
        let sql = format!(
            "SELECT * FROM (SELECT workflows.*, ROW_NUMBER() OVER \
             (PARTITION BY subject_id ORDER BY created_at DESC, id DESC) AS place \
             FROM workflows WHERE subject_id IN ({}) {after}) ranked \
             WHERE place <= ${} ORDER BY subject_id, place",
            places.join(", "),
            n + 1
        );
        let first = i64::try_from(page.first).unwrap_or(i64::MAX);
        let rows: Vec<WorkflowRow> = run!(self, |c, DB| {
            let mut query = sql_query(&sql).into_boxed::<DB>();
            for subject in subjects {
                query = query.bind::<Text, _>(subject);
            }
            query = query.bind::<BigInt, _>(first.saturating_add(1));
            if let Some(after) = &page.after {
                query = query.bind::<BigInt, _>(Micros(after.created_at));
                query = query.bind::<Text, _>(&after.id);
            }
            query.load(c)
        })
        .map_err(database)?;
        Ok(rows.into_iter().map(Workflow::from).collect())
    }

    async fn count_workflows(&mut self, subjects: &[String]) -> Result<Vec<(String, i64)>> {
        use diesel::dsl::count_star;

        run!(self, |c| workflows::table
            .group_by(workflows::subject_id)
            .select((workflows::subject_id, count_star()))
            .filter(workflows::subject_id.eq_any(subjects))
            .load(c))
        .map_err(database)
    }
}

impl From<WorkflowRow> for Workflow {
    fn from(row: WorkflowRow) -> Self {
        Self {
            id: row.id.0,
            tenant_id: row.tenant_id.0,
            kind: row.kind.0,
            subject_id: row.subject_id,
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
