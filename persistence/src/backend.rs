//! Connections and transactions on either database. A connection that is given back in the middle
//! of something (a query whose caller went away, a transaction that was dropped) is closed instead
//! of pooled, since the driver is not safe to cancel; closing it also rolls back.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use deadpool::managed::Object;
use diesel::{
    QueryResult,
    query_builder::{QueryFragment, QueryId},
    sql_query,
    sql_types::Text,
};
use domain::{
    Error, Result,
    clock::{Clock, SystemClock},
    commerce::{OrderBasis, OrderQuestion},
    identity::{Account, IdentityReads},
    ids::UserId,
    store::{Opened, PoolUse, Session, Store, Transaction},
};
use jiff::Timestamp;

use crate::{
    error::{database, is_unsound},
    outage::Outage,
    postgres::{self, Access, Postgres, Server},
    run::RunQueryDsl,
    safe_head::SafeHead,
    sqlite::{self, Sqlite},
};

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

/// What a transaction has found while it began.
pub(crate) struct Begun {
    /// When that was.
    pub at: Timestamp,
    pub account: Option<Account>,
    pub basis: Option<OrderBasis>,
}

enum Pools {
    Sqlite(sqlite::Pools),
    Postgres(Arc<Server>),
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
    Postgres(Access),
}

/// What a statement is run on.
pub(crate) enum Driver<'a> {
    Sqlite(&'a mut Sqlite),
    Postgres(&'a Postgres),
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
        let (idle, quick) = conn.begin_statement();
        let result = match conn.link.driver(quick).await {
            Ok($crate::backend::Driver::Sqlite($s)) => $sqlite.await,
            Ok($crate::backend::Driver::Postgres(mut c)) => {
                let $p = &mut c;
                conn.outage.bounded($postgres).await
            }
            Err(error) => Err(error),
        };
        conn.end_statement(idle, result.as_ref().err());
        result
    }};
}
pub(crate) use run;

/// Inserts rows like [`Conn::later`]. PostgreSQL takes them all in one statement.
macro_rules! insert_later {
    ($conn:expr, $table:expr, $rows:expr) => {{
        let (conn, rows): (&mut $crate::backend::Conn, Vec<_>) = ($conn, $rows);
        if conn.is_postgres() {
            return conn.hold_insert(diesel::insert_into($table).values(&rows));
        }
        for row in &rows {
            conn.later(diesel::insert_into($table).values(row)).await?;
        }
        Ok(())
    }};
}
pub(crate) use insert_later;

impl SqlStore {
    /// Opens the database, which is made and brought up to date where needed. Without a clock the
    /// time is the database's own.
    pub async fn open(url: &str, clock: Option<Arc<dyn Clock>>) -> Result<Self> {
        let outage = Arc::<Outage>::default();
        let pools = match url.strip_prefix("sqlite://") {
            Some(path) => Pools::Sqlite(sqlite::open(path).await?),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Pools::Postgres(Server::open(url, outage.clone()).await?)
            }
            None => {
                return Err(Error::invalid(
                    "database url",
                    "must begin with sqlite:// or postgres://",
                ));
            }
        };
        let (safe_head, statements, caller_changes) = Default::default();
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
            Pools::Postgres(server) => Link::Postgres(Access::new(server.clone())),
        };
        Ok(self.conn(link))
    }

    async fn begin(&self, user: Option<UserId>, order: Option<&OrderQuestion>) -> Result<Opened> {
        let mut conn = match &self.pools {
            Pools::Sqlite(pools) => self.conn(Link::Writer(Some(pools.writer.turn().await?))),
            Pools::Postgres(_) => self.reader().await?,
        };
        let clock: &dyn Clock = self.clock.as_deref().unwrap_or(&SystemClock);
        let order = order.map(|order| (order, clock.now()));
        let Begun { at, account, basis } = conn.begin(user, order).await?;
        conn.began = self.clock.as_ref().map_or(at, |clock| clock.now());
        Ok(Opened { tx: Box::new(conn), account, basis })
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
        Ok(self.begin(None, None).await?.tx)
    }

    async fn write_for(&self, user: UserId, order: Option<&OrderQuestion>) -> Result<Opened> {
        self.begin(Some(user), order).await
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
            Pools::Postgres(server) => vec![server.in_use()],
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
        self.statements.fetch_add(1, Ordering::Relaxed);
        match &mut self.link {
            Link::Reader(_) => {}
            Link::Writer(turn) => turn.take().expect(EMPTIED).roll_back().await,
            Link::Postgres(access) => self.busy = access.roll_back().await.is_err(),
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

    /// Counts a statement and marks the connection busy; answers whether it was idle before, and
    /// whether the statement is a quick one.
    pub(crate) fn begin_statement(&mut self) -> (bool, bool) {
        self.statements.fetch_add(1, Ordering::Relaxed);
        (!mem::replace(&mut self.busy, true), mem::take(&mut self.quick))
    }

    /// What is not sound is not used again.
    pub(crate) fn end_statement(&mut self, was_idle: bool, error: Option<&diesel::result::Error>) {
        let unsound = error.filter(|error| is_unsound(error));
        match (error, &mut self.link) {
            (Some(error), Link::Writer(Some(turn))) if unsound.is_some() => turn.break_group(error),
            (Some(error), Link::Postgres(access)) => access.failed(error),
            _ => {}
        }
        self.busy = !was_idle || unsound.is_some();
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.link, Link::Postgres(_))
    }

    /// Runs a write that nobody asks the outcome of: on PostgreSQL, with what comes next, or with
    /// the commit.
    pub(crate) async fn later<Q>(&mut self, statement: Q) -> Result<()>
    where
        Q: QueryFragment<diesel::sqlite::Sqlite> + QueryFragment<diesel::pg::Pg> + QueryId + Send,
    {
        if !self.is_postgres() {
            return run!(self, |c| statement.execute(c)).map(drop).map_err(database);
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.access().and_then(|access| access.hold(statement)).map_err(database)
    }

    /// The same for rows that are inserted, on PostgreSQL alone.
    pub(crate) fn hold_insert(&mut self, insert: impl QueryFragment<diesel::pg::Pg>) -> Result<()> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        self.access().and_then(|access| access.hold_insert(insert)).map_err(database)
    }

    fn access(&mut self) -> QueryResult<&mut Access> {
        match &mut self.link {
            Link::Postgres(access) => Ok(access),
            _ => Err(diesel::result::Error::NotInTransaction),
        }
    }

    async fn finish(mut self) -> Result<()> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        match &mut self.link {
            Link::Reader(_) => return Err(database(diesel::result::Error::NotInTransaction)),
            Link::Writer(turn) => turn.take().expect(EMPTIED).commit().await?,
            Link::Postgres(access) => access.commit().await.map_err(database)?,
        }
        self.busy = false;
        Ok(())
    }

    async fn time(&mut self) -> Result<Timestamp> {
        let (idle, quick) = self.quick(1).begin_statement();
        let looked_up = match self.link.driver(quick).await {
            Ok(Driver::Sqlite(_)) => Ok(SystemClock.now()),
            Ok(Driver::Postgres(c)) => self.outage.bounded(postgres::time(c, "SELECT 1")).await,
            Err(error) => Err(error),
        };
        self.end_statement(idle, looked_up.as_ref().err());
        looked_up.map_err(database)
    }

    /// Begins a transaction; on SQLite it has begun already. The number of an order is given out
    /// by this process's clock.
    async fn begin(
        &mut self,
        user: Option<UserId>,
        order: Option<(&OrderQuestion, Timestamp)>,
    ) -> Result<Begun> {
        self.busy = true;
        let driver = self.link.driver(false).await.map_err(database)?;
        let Driver::Postgres(conn) = driver else {
            let account = match user {
                Some(user) => self.account(user).await?,
                None => None,
            };
            let basis = match order {
                Some((order, now)) => Some(self.order_basis(order, now).await?),
                None => None,
            };
            return Ok(Begun { at: SystemClock.now(), account, basis });
        };
        self.statements.fetch_add(2 + u64::from(order.is_some()), Ordering::Relaxed);
        self.outage.bounded(postgres::begin(conn, user, order)).await.map_err(database)
    }
}

impl Drop for Conn {
    fn drop(&mut self) {
        if !self.busy {
            return;
        }
        match &mut self.link {
            Link::Reader(object) => drop(object.take().map(Object::take)),
            Link::Writer(turn) => drop(turn.take()),
            Link::Postgres(access) => access.abandon(),
        }
    }
}

impl Link {
    /// What the next statement is run on.
    pub(crate) async fn driver(&mut self, quick: bool) -> QueryResult<Driver<'_>> {
        Ok(match self {
            Self::Reader(object) => {
                let reader = object.as_mut().expect(EMPTIED);
                reader.in_place = quick;
                Driver::Sqlite(reader)
            }
            Self::Writer(turn) => Driver::Sqlite(turn.as_mut().expect(EMPTIED).connection()),
            Self::Postgres(access) => Driver::Postgres(access.connection(quick).await?),
        })
    }
}
