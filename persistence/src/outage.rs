//! A database server that does not answer. Whoever waits for it is let go after a while, and as
//! long as it is silent nobody else waits, but one a second that tries.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use diesel::result::{DatabaseErrorKind, Error, QueryResult};
use tokio::time::{Instant, timeout};

/// How long the server may work on a statement, or a statement wait for a lock.
const STATEMENT: Duration = Duration::from_millis(3500);
/// How long its answer is waited for: longer, since a server that answers says why it ended one.
const ANSWER: Duration = Duration::from_secs(4);
/// How long a transaction may rest before the server ends it: its process has lost its way.
const REST: Duration = Duration::from_secs(30);
/// How often a silent server is tried.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// Whether the server is silent, as this process knows.
pub(crate) struct Outage {
    began: Instant,
    /// When it is tried again, in milliseconds since `began`; zero while it answers.
    next_try: AtomicU64,
}

impl Outage {
    pub fn new() -> Self {
        Self { began: Instant::now(), next_try: AtomicU64::new(0) }
    }

    /// Whether a connection may be asked for now.
    pub fn admits(&self) -> bool {
        let (now, next) = (self.millis(), self.next_try.load(Relaxed));
        let later = now + u64::try_from(TRY_EVERY.as_millis()).unwrap_or(u64::MAX);
        next == 0
            || now >= next && self.next_try.compare_exchange(next, later, Relaxed, Relaxed).is_ok()
    }

    /// The answer to a statement, if it comes in time.
    pub async fn bounded<T>(&self, answer: impl Future<Output = QueryResult<T>>) -> QueryResult<T> {
        let answer = timeout(ANSWER, answer).await;
        match &answer {
            Ok(_) => self.answered(),
            Err(_) => self.silent(),
        }
        answer.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", ANSWER.as_secs_f32());
            Err(Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(message)))
        })
    }

    pub fn silent(&self) {
        let next = self.millis() + u64::try_from(TRY_EVERY.as_millis()).unwrap_or(u64::MAX);
        self.next_try.store(next, Relaxed);
    }

    fn answered(&self) {
        if self.next_try.load(Relaxed) != 0 {
            self.next_try.store(0, Relaxed);
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// What a connection tells PostgreSQL of the times that it allows.
pub(crate) fn limits() -> String {
    let (statement, rest) = (STATEMENT.as_millis(), REST.as_millis());
    format!(
        "SET statement_timeout = {statement}; SET lock_timeout = {statement}; \
         SET idle_in_transaction_session_timeout = {rest};"
    )
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_is_tried_once_a_second_until_it_answers() {
        let outage = Outage::new();
        assert!(outage.admits());

        assert!(outage.bounded(pending::<QueryResult<()>>()).await.is_err());
        assert!(!outage.admits());
        tokio::time::advance(TRY_EVERY).await;
        assert!(outage.admits());
        assert!(!outage.admits(), "one tries, nobody else waits");

        assert!(outage.bounded(ready(Ok(()))).await.is_ok());
        assert!(outage.admits());
    }
}
