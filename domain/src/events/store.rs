use async_trait::async_trait;
use jiff::Timestamp;

use super::{Event, EventFilter, NewEvent};
use crate::{error::Result, ids::UserId};

#[async_trait]
pub trait EventReads {
    /// Events after `position` up to and with `head`, oldest first.
    async fn events_after(
        &mut self,
        position: i64,
        head: i64,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Vec<Event>>;

    /// How many events after `position` up to `head` there are.
    async fn count_events(&mut self, position: i64, head: i64, filter: &EventFilter)
    -> Result<i64>;

    /// The position of the oldest event that is kept; `None` in an empty log.
    async fn earliest_position(&mut self) -> Result<Option<i64>>;

    /// The position of the newest event that can be seen, which may be beyond the safe head; 0 in
    /// an empty log.
    async fn newest_position(&mut self) -> Result<i64>;

    /// What a key was used for before.
    async fn idempotency(&mut self, scope: &str, key: &str) -> Result<Option<IdempotencyRecord>>;
}

#[async_trait]
pub trait EventWrites {
    /// Appends as the last act of a transaction that holds its subjects' locks.
    async fn append(&mut self, events: &[NewEvent], by: &Author, at: Timestamp) -> Result<()>;

    /// Deletes the oldest events from before `before`, at most `limit` and never the newest one;
    /// answers with how many.
    async fn expire_events(&mut self, before: Timestamp, limit: i64) -> Result<i64>;

    /// Takes a key for this transaction; `false` where it is taken, after waiting for whoever is
    /// just taking it.
    async fn claim_idempotency(
        &mut self,
        scope: &str,
        key: &str,
        fingerprint: &str,
        at: Timestamp,
    ) -> Result<bool>;

    /// Notes what the key's mutation came to.
    async fn settle_idempotency(
        &mut self,
        scope: &str,
        key: &str,
        entity: &str,
        workflow: Option<&str>,
        cursor: i64,
    ) -> Result<()>;

    /// Forgets keys taken before `before`.
    async fn expire_idempotency(&mut self, before: Timestamp) -> Result<()>;
}

/// Who and what the events of one transaction come from.
#[derive(Clone, Debug, Default)]
pub struct Author {
    pub actor_id: Option<UserId>,
    pub cause: Option<String>,
    pub request_id: Option<String>,
}

/// What a mutation with an idempotency key came to: ids only, the entity is read anew.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord {
    pub fingerprint: String,
    pub entity: String,
    pub workflow: Option<String>,
    pub cursor: i64,
}
