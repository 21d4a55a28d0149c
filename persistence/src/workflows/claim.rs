use diesel::{
    dsl::{case_when, count_star},
    prelude::*,
    sql_types::{BigInt, Bool, Nullable},
};
use domain::{
    Result,
    store::Transaction,
    workflows::{Claim, ClaimTerms, Task, TaskStatus, WorkflowCaps, WorkflowStatus},
};
use jiff::Timestamp;

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
    pub(super) async fn due(&mut self, terms: &ClaimTerms) -> Result<Option<Claim>> {
        let mut found = self.longest_due(terms, WorkflowStatus::Running, &[]).await?;
        if found.is_none()
            && let Some(caps) = terms.begin
            && let Some(full) = self.full_tenants(caps).await?
        {
            found = self.longest_due(terms, WorkflowStatus::Pending, &full).await?;
        }
        let claim = |(task, workflow): (TaskRow, WorkflowRow)| Claim {
            taken_over: task.leased,
            task: task.into(),
            workflow: workflow.into(),
            at: Transaction::now(self),
        };
        Ok(found.map(claim))
    }

    pub(super) async fn release(&mut self, task: &Task, due: Timestamp) -> Result<bool> {
        let claimed = tasks::id
            .eq(AsText(task.id))
            .and(tasks::fence.eq(task.claim.fence))
            .and(tasks::wakes.eq(task.claim.wakes));
        let going_on = || {
            workflows::table
                .select(workflows::id)
                .filter(workflows::id.eq(AsText(task.workflow_id)))
                .filter(workflows::cancel_reason.is_null())
        };
        let (due, now) = (Micros(due), Micros(Transaction::now(self)));
        let waits = (
            tasks::leased.eq(false),
            tasks::ready_at.eq(due),
            tasks::updated_at.eq(now),
            tasks::fence.eq(tasks::fence + 1),
        );
        let released = run!(self, |c| diesel::update(tasks::table)
            .filter(claimed.and(tasks::workflow_id.eq_any(going_on())))
            .set(waits)
            .execute(c))
        .map_err(database)?;
        Ok(released == 1)
    }

    pub(super) async fn wake(&mut self, subject: &str) -> Result<bool> {
        let now = Micros(Transaction::now(self));
        let running = || {
            workflows::table
                .select(workflows::id)
                .filter(workflows::subject_id.eq(subject))
                .filter(workflows::status.eq(WorkflowStatus::Running.as_str()))
        };
        let waiting = tasks::status.eq(TaskStatus::Running.as_str());
        let idle = tasks::leased.eq(false).and(tasks::ready_at.is_not_null());
        let ready_at =
            || case_when(idle, now.into_sql::<Nullable<BigInt>>()).otherwise(tasks::ready_at);
        let woken = run!(self, |c| diesel::update(tasks::table)
            .filter(waiting.and(tasks::workflow_id.eq_any(running())))
            .set((tasks::wakes.eq(tasks::wakes + 1), tasks::ready_at.eq(ready_at())))
            .execute(c))
        .map_err(database)?;
        Ok(woken > 0)
    }

    async fn longest_due(
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
