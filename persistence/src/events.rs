use async_trait::async_trait;
use diesel::{dsl::max, prelude::*};
use domain::{
    Result,
    events::{
        Author, Event, EventFilter, EventReads, EventType, EventWrites, IdempotencyRecord,
        NewEvent, Subject,
    },
    ids::{TenantId, UserId},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    backend::{Conn, insert_later, run},
    error::database,
    run::RunQueryDsl,
    safe_head,
    schema::{events, idempotency_keys},
    types::{AsJson, AsText, Micros, texts},
};

#[derive(Queryable)]
struct EventRow {
    position: i64,
    event_type: AsText<EventType>,
    subject_id: String,
    parent_id: Option<String>,
    tenant_id: Option<AsText<TenantId>>,
    actor_id: Option<AsText<UserId>>,
    cause: Option<String>,
    request_id: Option<String>,
    previous: Option<String>,
    at: Micros,
    data: AsJson<Value>,
}

/// Without a position the database gives it out.
#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEventRow<'a> {
    position: Option<i64>,
    event_type: AsText<EventType>,
    subject_id: &'a str,
    parent_id: Option<&'a str>,
    tenant_id: Option<AsText<TenantId>>,
    actor_id: Option<AsText<UserId>>,
    cause: Option<&'a str>,
    request_id: Option<&'a str>,
    previous: Option<&'a str>,
    at: Micros,
    data: AsJson<&'a Value>,
}

macro_rules! filtered {
    ($backend:ident, $position:expr, $head:expr, $filter:expr) => {{
        let mut query = events::table
            .filter(events::position.gt($position).and(events::position.le($head)))
            .into_boxed::<$backend>();
        if let Some(visible) = &$filter.visible {
            query = query.filter(events::tenant_id.eq_any(texts(visible)));
        }
        if let Some(types) = &$filter.types {
            query = query.filter(events::event_type.eq_any(texts(types)));
        }
        if let Some(subject) = &$filter.subject_id {
            query = query.filter(events::subject_id.eq(subject));
        }
        if let Some(parent) = &$filter.parent_id {
            query = query.filter(events::parent_id.eq(parent));
        }
        if let Some(about) = &$filter.about {
            query = query.filter(
                events::subject_id.eq(about).or(events::parent_id.eq(about).assume_not_null()),
            );
        }
        if let Some(tenant) = $filter.tenant_id {
            query = query.filter(events::tenant_id.eq(AsText(tenant)));
        }
        if let Some(actor) = $filter.actor_id {
            query = query.filter(events::actor_id.eq(AsText(actor)));
        }
        query
    }};
}

#[async_trait]
impl EventReads for Conn {
    async fn events_after(
        &mut self,
        position: i64,
        head: i64,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let few = usize::try_from(head.saturating_sub(position)).unwrap_or(0);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows: Vec<EventRow> =
            run!(self.quick(few), |c, DB| filtered!(DB, position, head, filter)
                .order(events::position)
                .limit(limit)
                .load(c))
            .map_err(database)?;
        Ok(rows.into_iter().map(Event::from).collect())
    }

    async fn count_events(
        &mut self,
        position: i64,
        head: i64,
        filter: &EventFilter,
    ) -> Result<i64> {
        run!(self, |c, DB| filtered!(DB, position, head, filter).count().get_result(c))
            .map_err(database)
    }

    async fn earliest_position(&mut self) -> Result<Option<i64>> {
        run!(self.quick(1), |c| events::table
            .select(events::position)
            .order(events::position)
            .first(c))
        .optional()
        .map_err(database)
    }

    async fn newest_position(&mut self) -> Result<i64> {
        safe_head::newest(self).await
    }

    async fn idempotency(&mut self, scope: &str, key: &str) -> Result<Option<IdempotencyRecord>> {
        let row: Option<(String, Option<String>, Option<String>, Option<i64>)> =
            run!(self, |c| idempotency_keys::table
                .find((scope, key))
                .select((
                    idempotency_keys::fingerprint,
                    idempotency_keys::entity,
                    idempotency_keys::workflow,
                    idempotency_keys::cursor,
                ))
                .first(c))
            .optional()
            .map_err(database)?;
        Ok(row.map(|(fingerprint, entity, workflow, cursor)| IdempotencyRecord {
            fingerprint,
            entity: entity.unwrap_or_default(),
            workflow,
            cursor: cursor.unwrap_or_default(),
        }))
    }
}

#[async_trait]
impl EventWrites for Conn {
    async fn append(&mut self, new: &[NewEvent], by: &Author, at: Timestamp) -> Result<()> {
        // Without a position a row leaves it to PostgreSQL's sequence, which counts row by row.
        let next = match self.is_postgres() {
            true => None,
            false => Some(safe_head::newest(self).await? + 1),
        };
        let row = |(event, place)| row(event, next.map(|next| next + place), by, at);
        let rows: Vec<_> = new.iter().zip(0..).map(row).collect();
        insert_later!(self, events::table, rows)
    }

    async fn expire_events(&mut self, before: Timestamp, limit: i64) -> Result<i64> {
        let newest: Option<i64> =
            run!(self, |c| events::table.select(max(events::position)).first(c))
                .map_err(database)?;
        let newest = newest.unwrap_or(0);
        let oldest: Vec<(i64, Micros)> = run!(self, |c| events::table
            .select((events::position, events::at))
            .filter(events::position.lt(newest))
            .order(events::position)
            .limit(limit)
            .load(c))
        .map_err(database)?;
        // A prefix only, so that what is kept has no holes.
        let last = oldest.iter().take_while(|(_, at)| at.0 < before).last();
        let Some((last, _)) = last else { return Ok(0) };
        let deleted =
            run!(self, |c| diesel::delete(events::table.filter(events::position.le(last)))
                .execute(c))
            .map_err(database)?;
        Ok(i64::try_from(deleted).unwrap_or(i64::MAX))
    }

    async fn claim_idempotency(
        &mut self,
        scope: &str,
        key: &str,
        fingerprint: &str,
        at: Timestamp,
    ) -> Result<bool> {
        let row = (
            idempotency_keys::scope.eq(scope),
            idempotency_keys::idempotency_key.eq(key),
            idempotency_keys::fingerprint.eq(fingerprint),
            idempotency_keys::taken_at.eq(Micros(at)),
        );
        let inserted = run!(self, |c| diesel::insert_into(idempotency_keys::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(database)?;
        Ok(inserted == 1)
    }

    async fn settle_idempotency(
        &mut self,
        scope: &str,
        key: &str,
        entity: &str,
        workflow: Option<&str>,
        cursor: i64,
    ) -> Result<()> {
        let came_to = (
            idempotency_keys::entity.eq(entity),
            idempotency_keys::workflow.eq(workflow),
            idempotency_keys::cursor.eq(cursor),
        );
        self.later(diesel::update(idempotency_keys::table.find((scope, key))).set(came_to)).await
    }

    async fn expire_idempotency(&mut self, before: Timestamp) -> Result<()> {
        let old = idempotency_keys::taken_at.lt(Micros(before));
        run!(self, |c| diesel::delete(idempotency_keys::table).filter(old).execute(c))
            .map(drop)
            .map_err(database)
    }
}

fn row<'a>(
    event: &'a NewEvent,
    position: Option<i64>,
    by: &'a Author,
    at: Timestamp,
) -> NewEventRow<'a> {
    NewEventRow {
        position,
        event_type: AsText(event.event_type),
        subject_id: &event.subject.id,
        parent_id: event.subject.parent_id.as_deref(),
        tenant_id: event.tenant_id.map(AsText),
        actor_id: by.actor_id.map(AsText),
        cause: by.cause.as_deref(),
        request_id: by.request_id.as_deref(),
        previous: event.previous.as_deref(),
        at: Micros(at),
        data: AsJson(&event.data),
    }
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            position: row.position,
            event_type: row.event_type.0,
            subject: Subject { id: row.subject_id, parent_id: row.parent_id },
            tenant_id: row.tenant_id.map(|id| id.0),
            actor_id: row.actor_id.map(|id| id.0),
            cause: row.cause,
            request_id: row.request_id,
            previous: row.previous,
            at: row.at.0,
            data: row.data.0,
        }
    }
}
