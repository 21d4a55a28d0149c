use std::sync::{Arc, Mutex, MutexGuard};

use deadpool::managed::{self, Metrics, RecycleResult};
use diesel::{
    Connection, ConnectionResult, QueryResult, SqliteConnection, connection::SimpleConnection,
};
use diesel_async::pooled_connection::PoolError;

use super::own_thread::OwnThread;

/// How long whoever's turn it is waits for other processes.
pub(super) const BUSY_MILLIS: u64 = 10_000;
/// For a connection whose statements run where they are asked for.
pub(super) const WAIT_FOR_NOBODY: &str = "PRAGMA busy_timeout = 0;";
/// After so many statements in place whoever else waits for the thread has a turn.
const STATEMENTS_IN_A_ROW: u32 = 32;

/// A connection to an embedded database.
pub(crate) struct Sqlite {
    connection: Arc<Mutex<SqliteConnection>>,
    thread: OwnThread,
    /// Whether statements are run where they are asked for, since each takes microseconds, instead
    /// of on the connection's thread.
    pub in_place: bool,
    in_a_row: u32,
}

impl Sqlite {
    pub async fn open(path: String) -> ConnectionResult<Self> {
        let thread = OwnThread::start();
        let opened = thread.run(move || Ok(connection(&path))).await;
        let connection = opened.map_err(diesel::ConnectionError::CouldntSetupConfiguration)??;
        let connection = Arc::new(Mutex::new(connection));
        Ok(Self { connection, thread, in_place: false, in_a_row: 0 })
    }

    pub async fn run<R: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut SqliteConnection) -> QueryResult<R> + Send + 'static,
    ) -> QueryResult<R> {
        if !self.in_place {
            let connection = self.connection.clone();
            return self.thread.run(move || task(&mut lock(&connection))).await;
        }
        self.run_in_place(task).await
    }

    /// Runs what need not outlive the question, whether it is quick or not.
    pub async fn run_in_place<R>(
        &mut self,
        task: impl FnOnce(&mut SqliteConnection) -> QueryResult<R>,
    ) -> QueryResult<R> {
        self.in_a_row += 1;
        if self.in_a_row.is_multiple_of(STATEMENTS_IN_A_ROW) {
            tokio::task::yield_now().await;
        }
        task(&mut lock(&self.connection))
    }

    /// What may wait for other processes or the disk.
    pub async fn batch(&self, sql: &str) -> QueryResult<()> {
        let (connection, sql) = (self.connection.clone(), sql.to_owned());
        self.thread.run(move || lock(&connection).batch_execute(&sql)).await
    }

    pub fn batch_in_place(&self, sql: &str) -> QueryResult<()> {
        lock(&self.connection).batch_execute(sql)
    }
}

/// A connection on which something panicked is as sound as before: SQLite knows nothing of it.
fn lock(connection: &Mutex<SqliteConnection>) -> MutexGuard<'_, SqliteConnection> {
    connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn connection(path: &str) -> ConnectionResult<SqliteConnection> {
    let mut connection = SqliteConnection::establish(path)?;
    let setup = format!(
        "PRAGMA busy_timeout = {BUSY_MILLIS};
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -2000;
         PRAGMA cell_size_check = ON;",
    );
    connection.batch_execute(&setup).map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Makes the connections of those who read the database at this path.
pub(crate) struct Readers(pub String);

impl managed::Manager for Readers {
    type Type = Sqlite;
    type Error = PoolError;

    async fn create(&self) -> Result<Sqlite, PoolError> {
        Sqlite::open(self.0.clone()).await.map_err(PoolError::ConnectionError)
    }

    /// What is not sound has not been given back.
    async fn recycle(&self, _: &mut Sqlite, _: &Metrics) -> RecycleResult<PoolError> {
        Ok(())
    }
}
