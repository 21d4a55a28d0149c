use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use domain::{
    Result,
    ids::{TaskId, WorkflowId},
    page::{Page, PageRequest},
    workflows::{
        LogLine, Task, TaskAttempt, TaskFilter, TaskQueue, TaskStatus, Workflow, WorkflowFilter,
        WorkflowReads, WorkflowStatus,
    },
};
use jiff::{SignedDuration, Timestamp};

use super::rows::{AttemptRow, LogRow, TaskRow, WorkflowRow};
use crate::{
    backend::{Conn, run},
    by_ids::by_ids,
    error::database,
    page::{bind_page, keyset, ranked},
    run::RunQueryDsl,
    schema::{task_attempts, task_logs, tasks, workflows},
    types::{AsText, Micros, texts},
};

/// How many a workflow has, more or less.
const SOME_TASKS: usize = 10;

#[derive(QueryableByName)]
struct QueueRow {
    #[diesel(sql_type = BigInt)]
    due: i64,
    #[diesel(sql_type = BigInt)]
    leased: i64,
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    earliest: Option<i64>,
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
        if let Some(subject) = &$filter.subject_id {
            let theirs =
                workflows::table.select(workflows::id).filter(workflows::subject_id.eq(subject));
            query = query.filter(tasks::workflow_id.eq_any(theirs));
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(tasks::tenant_id.eq(AsText(tenant)));
        }
        query
    }};
}

#[async_trait]
impl WorkflowReads for Conn {
    async fn workflows_by_id(&mut self, ids: &[WorkflowId]) -> Result<Vec<Workflow>> {
        by_ids!(self, workflows, ids, WorkflowRow => Workflow)
    }

    async fn workflows(
        &mut self,
        filter: &WorkflowFilter,
        page: &PageRequest,
    ) -> Result<Page<Workflow>> {
        let rows: Vec<WorkflowRow> =
            run!(self, |c, DB| keyset!(filtered_workflows!(DB, filter), page).load(c))
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

    async fn live_workflows(&mut self, groups: &[String]) -> Result<Vec<Workflow>> {
        let live = texts(WorkflowStatus::LIVE);
        let rows: Vec<WorkflowRow> = run!(self, |c| workflows::table
            .filter(workflows::lane_group.eq_any(groups))
            .filter(workflows::status.eq_any(&live))
            .order((workflows::lane_group, workflows::lane_number))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Workflow::from).collect())
    }

    async fn troubles_of_subjects(&mut self, subjects: &[String]) -> Result<Vec<(String, String)>> {
        let running = tasks::status
            .eq(TaskStatus::Running.as_str())
            .and(workflows::status.eq(WorkflowStatus::Running.as_str()));
        let rows: Vec<(String, Option<String>, Option<String>)> = run!(self, |c| tasks::table
            .inner_join(workflows::table)
            .filter(workflows::subject_id.eq_any(subjects))
            .filter(running)
            .order((tasks::workflow_id, tasks::id))
            .select((workflows::subject_id, tasks::error, tasks::wait_reason))
            .load(c))
        .map_err(database)?;
        let told = rows.into_iter();
        Ok(told.filter_map(|(of, error, waits)| Some((of, error.or(waits)?))).collect())
    }

    async fn tasks_by_id(&mut self, ids: &[TaskId]) -> Result<Vec<Task>> {
        by_ids!(self, tasks, ids, TaskRow => Task)
    }

    async fn tasks(&mut self, filter: &TaskFilter, page: &PageRequest) -> Result<Page<Task>> {
        let rows: Vec<TaskRow> = run!(self, |c, DB| keyset!(filtered_tasks!(DB, filter), page)
            .load(c))
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
        let rows: Vec<TaskRow> = run!(self.quick(ids.len() * SOME_TASKS), |c| tasks::table
            .filter(tasks::workflow_id.eq_any(&ids))
            .order((tasks::workflow_id, tasks::ordinal))
            .load(c))
        .map_err(database)?;
        Ok(rows.into_iter().map(Task::from).collect())
    }

    async fn attempts_of_tasks(&mut self, tasks: &[TaskId]) -> Result<Vec<TaskAttempt>> {
        let ids = texts(tasks);
        let rows: Vec<AttemptRow> = run!(self.quick(ids.len()), |c| task_attempts::table
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
        let next: Option<Option<Micros>> = run!(self.quick(1), |c| tasks::table
            .select(tasks::ready_at)
            .filter(tasks::ready_at.is_not_null())
            .order(tasks::ready_at)
            .first(c))
        .optional()
        .map_err(database)?;
        Ok(next.flatten().map(|at| at.0))
    }

    async fn furthest_ready(&mut self) -> Result<Option<Timestamp>> {
        use diesel::dsl::max;

        let furthest: Option<Micros> = run!(self, |c| tasks::table
            .select(max(tasks::ready_at))
            .filter(tasks::ready_at.is_not_null())
            .first(c))
        .map_err(database)?;
        Ok(furthest.map(|at| at.0))
    }

    async fn task_queue(&mut self, now: Timestamp) -> Result<TaskQueue> {
        let sql = "SELECT COUNT(*) FILTER (WHERE ready_at <= $1) AS due, \
             COUNT(*) FILTER (WHERE ready_at > $1 AND leased) AS leased, \
             COUNT(*) FILTER (WHERE ready_at > $1 AND NOT leased) AS waiting, \
             MIN(ready_at) AS earliest FROM tasks WHERE ready_at IS NOT NULL";
        let queue: QueueRow =
            run!(self, |c| sql_query(sql).bind::<BigInt, _>(Micros(now)).get_result(c))
                .map_err(database)?;
        let earliest = queue.earliest.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let longest_due = earliest.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
        Ok(TaskQueue {
            due: queue.due,
            leased: queue.leased,
            waiting: queue.waiting,
            longest_due: longest_due.max(SignedDuration::ZERO),
        })
    }
}

impl Conn {
    /// The newest workflows of each subject, as many as a page holds and one more.
    async fn ranked_workflows(
        &mut self,
        subjects: &[String],
        page: &PageRequest,
    ) -> Result<Vec<Workflow>> {
        if subjects.is_empty() {
            return Ok(Vec::new());
        }
        let columns = "id, tenant_id, kind, subject_id, lane_number, status, cancel_reason, \
                       compensating, created_at, started_at, completed_at, lane_group, lanes";
        let sql = ranked(("workflows", columns), "subject_id", subjects.len(), page, "");
        let rows: Vec<WorkflowRow> = run!(self, |c, DB| {
            let mut query = sql_query(&sql).into_boxed::<DB>();
            for subject in subjects {
                query = query.bind::<Text, _>(subject);
            }
            bind_page!(query, page).load(c)
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
