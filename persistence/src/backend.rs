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
    QueryResult, QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod},
};
use domain::{
    Error, Result,
    clock::{Clock, SystemClock},
    store::{PoolUse, Session, Store, Transaction},
};
use futures::{FutureExt, future};
use jiff::Timestamp;

use crate::{
    error::{database, is_unsound, unavailable},
    migrations,
    outage::{self, Outage},
    pool::Pool,
    run::RunQueryDsl,
    safe_head::SafeHead,
    sqlite::{self, Sqlite},
};

pub(crate) type Postgres = AsyncPgConnection;
type Manager = AsyncDieselConnectionManager<Postgres>;

/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_millis(3500);
const POSTGRES_CONNECTIONS: usize = 16;
/// So many rows are read in place at most: more would hold up what else the thread has to do.
const FEW_ROWS: usize = 100;
const EMPTIED: &str = "a connection is only emptied when it ends";

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
    Postgres(Pool<Manager>),
}

/// One open connection; what [`Store::write`] gives out has a transaction on it.
pub(crate) struct Conn {
    pub(crate) link: Link,
    /// In the middle of a statement or a transaction.
    pub(crate) busy: bool,
    /// Whether the next statement takes a few microseconds.
    quick: bool,
    /// When the transaction began.
    began: Timestamp,
    pub(crate) outage: Arc<Outage>,
    /// Something has changed that callers are let in by.
    pub(crate) changes_callers: bool,
    statements: Arc<AtomicU64>,
    caller_changes: Arc<AtomicU64>,
    commit_hook: Option<CommitHook>,
}

pub(crate) enum Link {
    Reader(Option<Object<sqlite::Readers>>),
    Writer(Option<sqlite::Turn>),
    Postgres(Option<Box<Object<Manager>>>),
}

/// What a statement is run on.
pub(crate) enum Driver<'a> {
    Sqlite(&'a mut Sqlite),
    Postgres(&'a mut Postgres),
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
        let result = match conn.link.driver() {
            $crate::backend::Driver::Sqlite($s) => $sqlite.await,
            $crate::backend::Driver::Postgres($p) => conn.outage.bounded($postgres).await,
        };
        conn.end_statement(idle, result.as_ref().err());
        result
    }};
}
pub(crate) use run;

#[derive(QueryableByName)]
struct Time {
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
            Pools::Sqlite(pools) => Link::Reader(Some(pools.reader().await?)),
            Pools::Postgres(pool) => Link::Postgres(Some(Box::new(self.connection(pool).await?))),
        };
        Ok(self.conn(link))
    }

    async fn connection(&self, pool: &Pool<Manager>) -> Result<Object<Manager>> {
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

    fn conn(&self, link: Link) -> Conn {
        Conn {
            link,
            busy: false,
            quick: false,
            began: Timestamp::UNIX_EPOCH,
            outage: self.outage.clone(),
            changes_callers: false,
            statements: self.statements.clone(),
            caller_changes: self.caller_changes.clone(),
            commit_hook: self.commit_hook.clone(),
        }
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn read(&self) -> Result<Box<dyn Session>> {
        Ok(Box::new(self.reader().await?))
    }

    async fn write(&self) -> Result<Box<dyn Transaction>> {
        let mut conn = match &self.pools {
            Pools::Sqlite(pools) => self.conn(Link::Writer(Some(pools.writer.turn().await?))),
            Pools::Postgres(_) => self.reader().await?,
        };
        let started = conn.begin().await?;
        conn.began = self.clock.as_ref().map_or(started, |clock| clock.now());
        Ok(Box::new(conn))
    }

    async fn now(&self) -> Result<Timestamp> {
        match &self.clock {
            Some(clock) => Ok(clock.now()),
            None => self.reader().await?.time().await,
        }
    }

    async fn safe_head(&self) -> Result<i64> {
        self.safe_head.shared(async || self.reader().await).await
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
        let committed = self.finish().await;
        // Also where it is not known whether it came about.
        if let Some(changes) = changes {
            changes.fetch_add(1, Ordering::Release);
        }
        committed?;
        hook(CommitMoment::After);
        Ok(())
    }

    /// Where that fails, the connection is closed, which rolls back too.
    async fn roll_back(mut self: Box<Self>) {
        match &mut self.link {
            Link::Writer(turn) => turn.take().expect(EMPTIED).roll_back().await,
            _ => self.busy = self.batch("ROLLBACK").await.is_err(),
        }
    }
}

impl Conn {
    /// For a statement that looks up so many rows by their keys, or along an index: where they are
    /// few, to carry it to another thread would take longer.
    pub(crate) fn quick(&mut self, rows: usize) -> &mut Self {
        self.quick = rows <= FEW_ROWS;
        self
    }

    /// Counts a statement and marks the connection busy; answers whether it was idle before.
    pub(crate) fn begin_statement(&mut self) -> bool {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let quick = std::mem::take(&mut self.quick);
        if let Link::Reader(Some(reader)) = &mut self.link {
            reader.in_place = quick;
        }
        !std::mem::replace(&mut self.busy, true)
    }

    /// What is not sound is not used again.
    pub(crate) fn end_statement(&mut self, was_idle: bool, error: Option<&diesel::result::Error>) {
        let unsound = error.filter(|error| is_unsound(error));
        if let (Some(error), Link::Writer(Some(turn))) = (unsound, &mut self.link) {
            turn.break_group(error);
        }
        self.busy = !was_idle || unsound.is_some();
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    async fn batch(&mut self, sql: &str) -> Result<()> {
        self.begin_statement();
        match self.link.driver() {
            Driver::Sqlite(c) => c.batch(sql).await,
            Driver::Postgres(c) => self.outage.bounded(c.batch_execute(sql)).await,
        }
        .map_err(database)
    }

    async fn finish(mut self) -> Result<()> {
        match &mut self.link {
            Link::Writer(turn) => {
                self.statements.fetch_add(1, Ordering::Relaxed);
                turn.take().expect(EMPTIED).commit().await?;
            }
            _ => self.batch("COMMIT").await?,
        }
        self.busy = false;
        Ok(())
    }

    async fn time(&mut self) -> Result<Timestamp> {
        let Driver::Postgres(c) = self.link.driver() else { return Ok(SystemClock.now()) };
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.busy = true;
        let time = self.outage.bounded(time(c, "SELECT 1")).await.map_err(database)?;
        self.busy = false;
        Ok(time)
    }

    /// Begins a transaction; answers with when. On SQLite it has begun already.
    async fn begin(&mut self) -> Result<Timestamp> {
        self.busy = true;
        let Driver::Postgres(c) = self.link.driver() else { return Ok(SystemClock.now()) };
        self.statements.fetch_add(2, Ordering::Relaxed);
        let mut conn: &Postgres = c;
        // It gets its number before any event's position is drawn: what the safe head rests on.
        let numbered = "SELECT pg_current_xact_id()";
        let both = future::join(conn.batch_execute("BEGIN"), time(c, numbered));
        let both = async {
            let (begun, started) = both.await;
            begun.and(started)
        };
        self.outage.bounded(both).await.map_err(database)
    }
}

/// The time of a server that has looked something up.
async fn time(conn: &Postgres, after: &str) -> QueryResult<Timestamp> {
    let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros";
    let sql = format!("{sql} FROM ({after}) looked_up");
    let found: Option<Time> = crate::run::read(conn, sql_query(sql)).await?.pop();
    let micros = found.ok_or(diesel::result::Error::NotFound)?.micros;
    Timestamp::from_microsecond(micros)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))
}

impl Drop for Conn {
    fn drop(&mut self) {
        if !self.busy {
            return;
        }
        match &mut self.link {
            Link::Reader(object) => drop(object.take().map(Object::take)),
            Link::Writer(turn) => drop(turn.take()),
            Link::Postgres(object) => drop(object.take().map(|object| Object::take(*object))),
        }
    }
}

impl Link {
    pub(crate) fn driver(&mut self) -> Driver<'_> {
        match self {
            Self::Reader(object) => Driver::Sqlite(object.as_mut().expect(EMPTIED)),
            Self::Writer(turn) => Driver::Sqlite(turn.as_mut().expect(EMPTIED).connection()),
            Self::Postgres(object) => Driver::Postgres(object.as_mut().expect(EMPTIED)),
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
