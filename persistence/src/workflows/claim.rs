use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{
    Result,
    store::Transaction,
    workflows::{Claim, Task, TaskStatus, WorkflowStatus, WorkflowWrites},
};
use jiff::SignedDuration;

use super::rows::{TaskRow, WorkflowRow};
use crate::{
    backend::{Conn, run},
    error::database,
    schema::{tasks, workflows},
    types::{AsText, Micros},
};

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

impl Conn {
    pub(super) async fn claim(
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
}
