//! Connections and transactions on either database. A connection that is given back in the middle
//! of something (a query whose caller went away, a transaction that was dropped) is closed instead
//! of pooled, since the driver is not safe to cancel; closing it also rolls back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use deadpool::managed::{Object, PoolError, TimeoutType};
use diesel::{
    QueryableByName, SqliteConnection, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod},
    sync_connection_wrapper::SyncConnectionWrapper,
};
use domain::{
    Error, Result,
    clock::{Clock, SystemClock},
    store::{PoolUse, Session, Store, Transaction},
};
use futures::FutureExt;
use jiff::Timestamp;

use crate::{
    error::{database, unavailable},
    migrations,
    outage::{self, Outage},
    own_thread::OwnThread,
    pool::{NoConnection, Pool},
    safe_head::SafeHead,
    sqlite::{self, WriteAheadLog},
};

pub(crate) type Sqlite = SyncConnectionWrapper<SqliteConnection, OwnThread>;
pub(crate) type Postgres = AsyncPgConnection;
pub(crate) type Manager<C> = AsyncDieselConnectionManager<C>;

/// How long a caller waits for a connection.
pub(crate) const PATIENCE: Duration = Duration::from_millis(3500);
const POSTGRES_CONNECTIONS: usize = 16;

/// The store behind a `sqlite://PATH` or `postgres://…` address.
pub struct SqlStore {
    pools: Pools,
    /// The time where it is not the database's.
    clock: Option<Arc<dyn Clock>>,
    safe_head: SafeHead,
    outage: Arc<Outage>,
    statements: Arc<AtomicU64>,
    caller_changes: Arc<AtomicU64>,
    commit_hook: Option<CommitHook>,
}

/// Called around each commit: what kills a process at a chosen one.
pub type CommitHook = Arc<dyn Fn(CommitMoment) + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitMoment {
    Before,
    After,
}

enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(Pool<Manager<Postgres>>),
}

/// One open connection; what [`Store::write`] gives out has a transaction on it.
pub(crate) struct Conn {
    pub(crate) link: Link,
    /// In the middle of a statement or a transaction.
    pub(crate) busy: bool,
    /// When the transaction began.
    began: Timestamp,
    pub(crate) outage: Arc<Outage>,
    /// Something has changed that callers are let in by.
    pub(crate) changes_callers: bool,
    statements: Arc<AtomicU64>,
    caller_changes: Arc<AtomicU64>,
    commit_hook: Option<CommitHook>,
    /// What a writer on SQLite leaves no longer than it may be.
    log: Option<Arc<WriteAheadLog>>,
}

pub(crate) enum Link {
    Sqlite(Option<Object<Manager<Sqlite>>>),
    Postgres(Option<Box<Object<Manager<Postgres>>>>),
}

/// Runs one query, written once, on whichever database is open. Where the query's type must name
/// the backend, a second name stands for it; where the SQL differs, each backend has its own.
macro_rules! run {
    ($conn:expr, |$c:ident| $query:expr) => {
        $crate::backend::run!($conn, |$c, _Backend| $query)
    };
    ($conn:expr, |$c:ident, $backend:ident| $query:expr) => {
        $crate::backend::run!(
            $conn,
            sqlite: |$c| {
                type $backend = diesel::sqlite::Sqlite;
                $query
            },
            postgres: |$c| {
                type $backend = diesel::pg::Pg;
                $query
            }
        )
    };
    ($conn:expr, sqlite: |$s:ident| $sqlite:expr, postgres: |$p:ident| $postgres:expr) => {{
        let conn: &mut $crate::backend::Conn = $conn;
        let idle = conn.begin_statement();
        let result = match &mut conn.link {
            $crate::backend::Link::Sqlite(Some(object)) => {
                let $s = &mut $crate::prepared::Prepared::<$crate::backend::Sqlite>(object);
                $sqlite.await
            }
            $crate::backend::Link::Postgres(Some(object)) => {
                let $p = &mut $crate::prepared::Prepared::<$crate::backend::Postgres>(object);
                conn.outage.bounded($postgres).await
            }
            _ => unreachable!("a connection is only emptied when it is dropped"),
        };
        // What is not sound is not used again.
        conn.busy = !idle || result.as_ref().is_err_and($crate::error::is_unsound);
        result
    }};
}
pub(crate) use run;

#[derive(QueryableByName)]
struct Started {
    #[diesel(sql_type = BigInt)]
    micros: i64,
}

impl SqlStore {
    /// Opens the database, which is made and brought up to date where needed. Without a clock the
    /// time is the database's own.
    pub async fn open(url: &str, clock: Option<Arc<dyn Clock>>) -> Result<Self> {
        let pools = match url.strip_prefix("sqlite://") {
            Some(path) => Pools::Sqlite(sqlite::open(path).await?),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                open_postgres(url).await?
            }
            None => {
                return Err(Error::invalid(
                    "database url",
                    "must begin with sqlite:// or postgres://",
                ));
            }
        };
        let (safe_head, outage, statements, caller_changes) = Default::default();
        Ok(Self { pools, clock, safe_head, outage, statements, caller_changes, commit_hook: None })
    }

    pub fn with_commit_hook(self, hook: CommitHook) -> Self {
        Self { commit_hook: Some(hook), ..self }
    }

    /// How many statements have been run so far.
    pub fn statements(&self) -> u64 {
        AtomicU64::load(&self.statements, Ordering::Relaxed)
    }

    pub(crate) async fn reader(&self) -> Result<Conn> {
        let link = match &self.pools {
            Pools::Sqlite(pools) => {
                Link::Sqlite(Some(pools.readers.get().await.map_err(unavailable)?))
            }
            Pools::Postgres(pool) => Link::Postgres(Some(Box::new(self.connection(pool).await?))),
        };
        Ok(self.conn(link))
    }

    async fn connection(
        &self,
        pool: &Pool<Manager<Postgres>>,
    ) -> Result<Object<Manager<Postgres>>> {
        if !self.outage.admits() {
            return Err(unavailable("it has not answered lately"));
        }
        pool.get().await.map_err(|error| {
            if let PoolError::Timeout(TimeoutType::Create) = error {
                self.outage.silent();
            }
            unavailable(error)
        })
    }

    async fn writer(&self) -> Result<Conn> {
        match &self.pools {
            Pools::Postgres(_) => self.reader().await,
            Pools::Sqlite(pools) => {
                let link = Link::Sqlite(Some(pools.writer.get().await.map_err(no_turn)?));
                let mut conn = self.conn(link);
                conn.log = Some(pools.log.clone());
                Ok(conn)
            }
        }
    }

    fn conn(&self, link: Link) -> Conn {
        Conn {
            link,
            busy: false,
            began: Timestamp::UNIX_EPOCH,
            outage: self.outage.clone(),
            changes_callers: false,
            statements: self.statements.clone(),
            caller_changes: self.caller_changes.clone(),
            commit_hook: self.commit_hook.clone(),
            log: None,
        }
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn read(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.reader().await?))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>> {
        let mut conn = self.writer().await?;
        conn.busy = true;
        conn.batch(match conn.link {
            Link::Sqlite(_) => "BEGIN IMMEDIATE",
            Link::Postgres(_) => "BEGIN",
        })
        .await?;
        let started = conn.started().await?;
        conn.began = self.clock.as_ref().map_or(started, |clock| clock.now());
        Ok(Box::new(conn))
    }

    async fn now(&self) -> Result<Timestamp> {
        match &self.clock {
            Some(clock) => Ok(clock.now()),
            None => self.reader().await?.started().await,
        }
    }

    async fn safe_head(&self) -> Result<i64> {
        self.safe_head.look(&mut self.reader().await?).await
    }

    fn caller_changes(&self) -> u64 {
        AtomicU64::load(&self.caller_changes, Ordering::Acquire)
    }

    fn pools(&self) -> Vec<PoolUse> {
        match &self.pools {
            Pools::Sqlite(pools) => vec![pools.readers.in_use(), pools.writer.in_use()],
            Pools::Postgres(pool) => vec![pool.in_use()],
        }
    }
}

#[async_trait]
impl Transaction for Conn {
    fn now(&self) -> Timestamp {
        self.began
    }

    /// SQLite has one writer at a time, so that everybody else is held off already.
    async fn lock(&mut self, key: &str) -> Result<()> {
        if !self.is_postgres() {
            return Ok(());
        }
        let sql = sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
        run!(self, |c| sql.bind::<Text, _>(key).execute(c)).map_err(database)?;
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let hook = self.commit_hook.clone().unwrap_or_else(|| Arc::new(|_| {}));
        let changes = self.changes_callers.then(|| self.caller_changes.clone());
        hook(CommitMoment::Before);
        let committed = self.finish("COMMIT").await;
        // Also where it is not known whether it came about.
        if let Some(changes) = changes {
            changes.fetch_add(1, Ordering::Release);
        }
        committed?;
        hook(CommitMoment::After);
        Ok(())
    }

    /// Where that fails, the connection is closed, which rolls back too.
    async fn roll_back(self: Box<Self>) {
        let _ = self.finish("ROLLBACK").await;
    }
}

impl Conn {
    /// Counts a statement and marks the connection busy; answers whether it was idle before.
    pub(crate) fn begin_statement(&mut self) -> bool {
        self.statements.fetch_add(1, Ordering::Relaxed);
        !std::mem::replace(&mut self.busy, true)
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    pub(crate) async fn batch(&mut self, sql: &str) -> Result<()> {
        run!(self, |c| c.batch_execute(sql)).map_err(database)
    }

    async fn finish(mut self, sql: &str) -> Result<()> {
        self.batch(sql).await?;
        // What is committed is so, whatever comes of the log.
        self.busy = match (&self.log, &mut self.link) {
            (Some(log), Link::Sqlite(Some(writer))) => log.cut_if_long(writer).await.is_err(),
            _ => false,
        };
        Ok(())
    }

    /// The database's time. On PostgreSQL this also gives the transaction its number, before any
    /// event's position is drawn: what the safe head rests on.
    async fn started(&mut self) -> Result<Timestamp> {
        if !self.is_postgres() {
            return Ok(SystemClock.now());
        }
        let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros \
                   FROM (SELECT pg_current_xact_id()) numbered";
        let started: Started = run!(self, |c| sql_query(sql).get_result(c)).map_err(database)?;
        Timestamp::from_microsecond(started.micros).map_err(|error| unavailable(error.to_string()))
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if !self.busy {
            return;
        }
        match &mut self.link {
            Link::Sqlite(object) => drop(object.take().map(Object::take)),
            Link::Postgres(object) => drop(object.take().map(|object| Object::take(*object))),
        }
    }
}

async fn open_postgres(url: &str) -> Result<Pools> {
    let first = Postgres::establish(url).await.map_err(unavailable)?;
    migrations::run_on_postgres(first).await?;
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|url| postgres_connection(url.to_owned()).boxed());
    let manager = Manager::new_with_config(url, config);
    Ok(Pools::Postgres(Pool::new("all", manager, POSTGRES_CONNECTIONS, PATIENCE)?))
}

/// Statements are planned once: PostgreSQL by itself would plan those with a list anew each time,
/// which takes longer than to run them.
async fn postgres_connection(url: String) -> diesel::ConnectionResult<Postgres> {
    let mut conn = Postgres::establish(&url).await?;
    let settings = outage::limits() + "SET plan_cache_mode = force_generic_plan;";
    conn.batch_execute(&settings)
        .await
        .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// Whoever waited in vain for the one writer may try again.
fn no_turn(error: NoConnection) -> Error {
    match error {
        PoolError::Timeout(_) => Error::StoreBusy(error.into()),
        other => unavailable(other),
    }
}
