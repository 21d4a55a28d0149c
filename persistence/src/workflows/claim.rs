use diesel::{dsl::count_star, prelude::*, sql_types::Bool};
use domain::{
    Result,
    store::Transaction,
    workflows::{
        Claim, ClaimTerms, Task, TaskStatus, WorkflowCaps, WorkflowStatus, WorkflowWrites,
    },
};

use super::rows::{TaskRow, WorkflowRow};
use crate::{
    backend::{Conn, run},
    error::database,
    run::RunQueryDsl,
    schema::{tasks, workflows},
    types::{AsText, Micros},
};

/// The task that has been due longest of workflows in a status. PostgreSQL also locks it, and
/// passes over those that others are claiming; SQLite's one writer needs no lock.
macro_rules! due {
    ($now:expr, $terms:expr, $status:expr, $but:expr) => {{
        let kinds: Vec<&str> = $terms.known.iter().map(|(kind, _)| *kind).collect();
        let newest = $terms.known.iter().map(|(_, version)| *version).max().unwrap_or(0);
        let free = tasks::leased.eq(false).or($terms.take_over.into_sql::<Bool>());
        tasks::table
            .inner_join(workflows::table)
            .filter(tasks::ready_at.le(Micros($now)).and(free))
            .filter(workflows::status.eq(AsText($status)))
            .filter(tasks::kind.eq_any(kinds))
            .filter(tasks::payload_version.le(newest))
            .filter(workflows::tenant_id.ne_all($but))
            .order((tasks::ready_at, tasks::id))
            .select((tasks::all_columns, workflows::all_columns))
            .limit(1)
    }};
}

impl Conn {
    pub(super) async fn claim(&mut self, terms: &ClaimTerms) -> Result<Option<Claim>> {
        let mut found = self.due_task(terms, WorkflowStatus::Running, &[]).await?;
        if found.is_none()
            && let Some(full) = self.full_tenants(terms.caps).await?
        {
            found = self.due_task(terms, WorkflowStatus::Pending, &full).await?;
        }
        let Some((task, workflow)) = found else {
            return Ok(None);
        };
        let now = Transaction::now(self);
        let taken_over = task.leased;
        let mut task = Task::from(task);
        task.claim.leased = true;
        task.claim.ready_at = now.checked_add(terms.lease).ok();
        self.update_task(&task).await?;
        task.claim.fence += 1;
        Ok(Some(Claim { task, workflow: workflow.into(), taken_over, at: now }))
    }

    pub(super) async fn wake(&mut self, subject: &str) -> Result<()> {
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

    async fn due_task(
        &mut self,
        terms: &ClaimTerms,
        status: WorkflowStatus,
        but_of: &[String],
    ) -> Result<Option<(TaskRow, WorkflowRow)>> {
        let now = Transaction::now(self);
        run!(
            self,
            sqlite: |c| due!(now, terms, status, but_of).first(c),
            postgres: |c| due!(now, terms, status, but_of).for_update().skip_locked().first(c)
        )
        .optional()
        .map_err(database)
    }

    /// The tenants of which no further workflow may begin now; `None` where none may at all.
    /// Whoever asks on PostgreSQL goes one at a time.
    async fn full_tenants(&mut self, caps: WorkflowCaps) -> Result<Option<Vec<String>>> {
        self.lock("workflows/cap").await?;
        let running: Vec<(String, i64)> = run!(self, |c| workflows::table
            .filter(workflows::status.eq(WorkflowStatus::Running.as_str()))
            .group_by(workflows::tenant_id)
            .select((workflows::tenant_id, count_star()))
            .load(c))
        .map_err(database)?;
        if running.iter().map(|(_, count)| count).sum::<i64>() >= caps.all {
            return Ok(None);
        }
        let full = running.into_iter().filter(|(_, count)| *count >= caps.tenant);
        Ok(Some(full.map(|(tenant, _)| tenant).collect()))
    }
}
