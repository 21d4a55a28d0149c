use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Integer, Text},
};
use domain::{
    Result,
    ids::{TaskId, WorkflowId},
    store::Transaction,
    workflows::{Claim, ClaimTerms, Task, TaskAttempt, Workflow, WorkflowWrites},
};
use jiff::{SignedDuration, Timestamp};

use super::rows::{AttemptRow, TaskRow, WorkflowRow};
use crate::{
    backend::{Conn, insert_later, run},
    error::database,
    page::stale,
    run::RunQueryDsl,
    schema::{task_attempts, tasks, workflows},
    types::{AsText, Micros},
};

#[derive(QueryableByName)]
struct LengthRow {
    #[diesel(sql_type = BigInt)]
    length: i64,
}

#[async_trait]
impl WorkflowWrites for Conn {
    async fn insert_workflow(&mut self, workflow: &Workflow) -> Result<()> {
        let row = WorkflowRow::from(workflow);
        self.later(diesel::insert_into(workflows::table).values(&row)).await
    }

    async fn update_workflow(&mut self, workflow: &Workflow) -> Result<()> {
        let row = WorkflowRow::from(workflow);
        let this = workflows::id.eq(AsText(workflow.id));
        self.later(diesel::update(workflows::table).filter(this).set(&row)).await
    }

    async fn cancel_workflow(&mut self, id: WorkflowId, reason: &str) -> Result<()> {
        let (this, why) = (workflows::id.eq(AsText(id)), workflows::cancel_reason.eq(reason));
        self.later(diesel::update(workflows::table).filter(this).set(why)).await
    }

    async fn next_lane_number(&mut self, group: &str) -> Result<i64> {
        use diesel::dsl::max;

        let newest: Option<i64> = run!(self, |c| workflows::table
            .select(max(workflows::lane_number))
            .filter(workflows::lane_group.eq(group))
            .first(c))
        .map_err(database)?;
        Ok(newest.unwrap_or(0) + 1)
    }

    async fn insert_tasks(&mut self, new: &[Task]) -> Result<()> {
        let rows: Vec<_> = new.iter().map(TaskRow::from).collect();
        insert_later!(self, tasks::table, rows)
    }

    async fn update_task(&mut self, task: &Task) -> Result<()> {
        let mut row = TaskRow::from(task);
        row.fence += 1;
        let unchanged = tasks::id.eq(AsText(task.id)).and(tasks::fence.eq(task.claim.fence));
        let changed =
            run!(self, |c| diesel::update(tasks::table).filter(unchanged).set(&row).execute(c))
                .map_err(database)?;
        stale(changed, "task", task.id)
    }

    async fn due_task(&mut self, terms: &ClaimTerms) -> Result<Option<Claim>> {
        self.due(terms).await
    }

    async fn give_back(&mut self, task: &Task, due: Timestamp) -> Result<bool> {
        self.release(task, due).await
    }

    async fn prolong_task(
        &mut self,
        id: TaskId,
        fence: i64,
        lease: SignedDuration,
    ) -> Result<bool> {
        let until = Transaction::now(self).checked_add(lease).ok().map(Micros);
        let mine = tasks::id.eq(AsText(id)).and(tasks::fence.eq(fence)).and(tasks::leased);
        let kept = run!(self, |c| diesel::update(tasks::table)
            .filter(mine)
            .set(tasks::ready_at.eq(until))
            .execute(c))
        .map_err(database)?;
        Ok(kept == 1)
    }

    async fn bring_forward(&mut self, latest: Timestamp) -> Result<()> {
        let latest = Micros(latest);
        run!(self, |c| diesel::update(tasks::table)
            .filter(tasks::ready_at.gt(latest))
            .set(tasks::ready_at.eq(latest))
            .execute(c))
        .map(drop)
        .map_err(database)
    }

    async fn wake_tasks(&mut self, subject: &str) -> Result<bool> {
        self.wake(subject).await
    }

    async fn save_attempt(&mut self, attempt: &TaskAttempt) -> Result<()> {
        let row = AttemptRow::from(attempt);
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
        let sql = "INSERT INTO task_logs (task_id, attempt, byte_offset, byte_length, body) \
             SELECT $1, $2, COALESCE((SELECT byte_offset + byte_length FROM task_logs \
             WHERE task_id = $1 AND attempt = $2 ORDER BY byte_offset DESC LIMIT 1), 0), $3, $4 \
             RETURNING byte_offset + byte_length AS length";
        let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let log: LengthRow = run!(self, |c| sql_query(sql)
            .bind::<Text, _>(AsText(task))
            .bind::<Integer, _>(attempt)
            .bind::<BigInt, _>(length)
            .bind::<Text, _>(text)
            .get_result(c))
        .map_err(database)?;
        Ok(log.length)
    }
}
