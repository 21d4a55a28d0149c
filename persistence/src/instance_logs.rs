use async_trait::async_trait;
use diesel::{dsl::count_star, prelude::*, sql_query, sql_types::Text};
use domain::{
    Result,
    ids::{InstanceId, InstanceLogId},
    instances::{InstanceLog, InstanceLogReads, InstanceLogWrites, LogType},
    page::{Page, PageRequest},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    backend::{Conn, insert_later, run},
    error::database,
    page::{bind_page, ranked},
    run::RunQueryDsl,
    schema::instance_logs,
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable, QueryableByName, Insertable)]
#[diesel(table_name = instance_logs)]
struct LogRow {
    id: AsText<InstanceLogId>,
    instance_id: AsText<InstanceId>,
    log_type: AsText<LogType>,
    message: String,
    data: Option<AsJson<Value>>,
    created_at: Micros,
}

#[async_trait]
impl InstanceLogReads for Conn {
    async fn logs_of_instances(
        &mut self,
        instances: &[InstanceId],
        types: &[LogType],
        page: &PageRequest,
    ) -> Result<Vec<Page<InstanceLog>>> {
        let types = if types.is_empty() { LogType::ALL } else { types };
        let lines = self.ranked_logs(instances, types, page).await?;
        let counts = match page.count {
            true => self.count_logs(instances, types).await?,
            false => Vec::new(),
        };
        let page_of = |instance: &InstanceId| {
            let items = lines.iter().filter(|line| line.instance_id == *instance);
            let total = page.count.then(|| {
                counts.iter().find(|(of, _)| of.0 == *instance).map_or(0, |(_, count)| *count)
            });
            Page::from_rows(items.cloned().collect(), page.first, total)
        };
        Ok(instances.iter().map(page_of).collect())
    }
}

#[async_trait]
impl InstanceLogWrites for Conn {
    async fn append_instance_logs(&mut self, lines: &[InstanceLog]) -> Result<()> {
        let rows: Vec<_> = lines.iter().map(LogRow::from).collect();
        insert_later!(self, instance_logs::table, rows)
    }

    async fn expire_instance_logs(&mut self, before: Timestamp) -> Result<()> {
        let old = instance_logs::created_at.lt(Micros(before));
        run!(self, |c| diesel::delete(instance_logs::table).filter(old).execute(c))
            .map(drop)
            .map_err(database)
    }
}

impl Conn {
    /// As many lines of each instance as a page holds, and one more.
    async fn ranked_logs(
        &mut self,
        instances: &[InstanceId],
        types: &[LogType],
        page: &PageRequest,
    ) -> Result<Vec<InstanceLog>> {
        if instances.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<String> = types.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        let condition = format!("AND log_type IN ({})", wanted.join(", "));
        let instances = texts(instances);
        let columns = "id, instance_id, log_type, message, data, created_at";
        let from = ("instance_logs", columns);
        let sql = ranked(from, "instance_id", instances.len(), page, &condition);
        let rows: Vec<LogRow> = run!(self, |c, DB| {
            let mut query = sql_query(&sql).into_boxed::<DB>();
            for instance in &instances {
                query = query.bind::<Text, _>(instance);
            }
            bind_page!(query, page).load(c)
        })
        .map_err(database)?;
        Ok(rows.into_iter().map(InstanceLog::from).collect())
    }

    async fn count_logs(
        &mut self,
        instances: &[InstanceId],
        types: &[LogType],
    ) -> Result<Vec<(AsText<InstanceId>, i64)>> {
        run!(self, |c| instance_logs::table
            .group_by(instance_logs::instance_id)
            .select((instance_logs::instance_id, count_star()))
            .filter(instance_logs::instance_id.eq_any(texts(instances)))
            .filter(instance_logs::log_type.eq_any(texts(types)))
            .load(c))
        .map_err(database)
    }
}

impl From<LogRow> for InstanceLog {
    fn from(row: LogRow) -> Self {
        let LogRow { id, instance_id, log_type, message, data, created_at } = row;
        Self {
            id: id.0,
            instance_id: instance_id.0,
            log_type: log_type.0,
            message,
            data: data.map(|data| data.0),
            created_at: created_at.0,
        }
    }
}

impl From<&InstanceLog> for LogRow {
    fn from(line: &InstanceLog) -> Self {
        Self {
            id: AsText(line.id),
            instance_id: AsText(line.instance_id),
            log_type: AsText(line.log_type),
            message: line.message.clone(),
            data: line.data.clone().map(AsJson),
            created_at: Micros(line.created_at),
        }
    }
}
