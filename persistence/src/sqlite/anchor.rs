//! Whoever reads takes a lock on the write-ahead log and gives it back, with a system call each
//! time, unless somebody else in the process has the same. While many read, the anchor has it.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex, MutexGuard, Notify},
    task::JoinHandle,
    time::sleep,
};

use super::connection::Sqlite;

/// How long it stands on the same snapshot: what is written after that is not taken into the
/// database's file, and those who read it have to take a lock of their own.
const TERM: Duration = Duration::from_millis(20);

pub(crate) struct Anchor {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    /// Whether anybody has read since the last look.
    is_wanted: AtomicBool,
    wanted: Notify,
    held: Mutex<Held>,
}

/// A connection with a transaction that reads, or without any.
pub(crate) struct Held {
    path: String,
    connection: Option<Sqlite>,
    holds: bool,
}

impl Anchor {
    pub fn new(path: &str) -> Self {
        let held = Held { path: path.to_owned(), connection: None, holds: false };
        let (is_wanted, wanted) = Default::default();
        let shared = Arc::new(Shared { is_wanted, wanted, held: Mutex::new(held) });
        let task = tokio::spawn(shared.clone().run());
        Self { shared, task }
    }

    /// Somebody reads.
    pub fn wanted(&self) {
        let is_wanted = &self.shared.is_wanted;
        if !is_wanted.load(Relaxed) && !is_wanted.swap(true, Relaxed) {
            self.shared.wanted.notify_one();
        }
    }

    /// Holds nothing while the guard lives.
    pub async fn let_go(&self) -> MutexGuard<'_, Held> {
        let mut held = self.shared.held.lock().await;
        held.let_go().await;
        held
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn run(self: Arc<Self>) {
        loop {
            self.wanted.notified().await;
            // Who reads once is not helped: others have to follow.
            self.is_wanted.store(false, Relaxed);
            sleep(TERM).await;
            while self.is_wanted.swap(false, Relaxed) {
                self.held.lock().await.renew().await;
                sleep(TERM).await;
            }
            self.held.lock().await.let_go().await;
        }
    }
}

impl Held {
    /// Where that fails, everybody takes a lock of their own.
    async fn renew(&mut self) {
        self.let_go().await;
        self.connection = self.begin().await;
        self.holds = self.connection.is_some();
    }

    async fn let_go(&mut self) {
        if !mem::take(&mut self.holds) {
            return;
        }
        if let Some(connection) = self.connection.take() {
            // One that does not let go is closed, which does.
            self.connection = connection.batch("COMMIT").await.is_ok().then_some(connection);
        }
    }

    async fn begin(&mut self) -> Option<Sqlite> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Sqlite::open(self.path.clone()).await.ok()?,
        };
        connection.batch("BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1").await.ok()?;
        Some(connection)
    }
}

#[cfg(test)]
mod tests {
    use diesel::{
        Connection, QueryableByName, RunQueryDsl, SqliteConnection, connection::SimpleConnection,
        sql_query, sql_types::Integer,
    };
    use tokio::time::timeout;

    use super::*;

    #[derive(QueryableByName)]
    struct Cut {
        #[diesel(sql_type = Integer)]
        busy: i32,
    }

    /// Whether somebody stands in the way of cutting the log.
    fn is_held(database: &mut SqliteConnection) -> bool {
        let cut = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Cut>(database);
        cut.unwrap().busy == 1
    }

    #[tokio::test]
    async fn holds_while_many_read_and_lets_go_for_whoever_cuts_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db").display().to_string();
        let mut database = SqliteConnection::establish(&path).unwrap();
        let made = "PRAGMA journal_mode = WAL; CREATE TABLE t (n); INSERT INTO t VALUES (1)";
        database.batch_execute(made).unwrap();
        let anchor = Anchor::new(&path);

        let holding = async {
            loop {
                anchor.wanted();
                sleep(TERM / 4).await;
                let held = anchor.shared.held.lock().await;
                if held.holds {
                    return held;
                }
            }
        };
        let held = timeout(Duration::from_secs(10), holding).await.unwrap();
        assert!(is_held(&mut database));
        drop(held);
        let _away = anchor.let_go().await;
        assert!(!is_held(&mut database));
    }
}
