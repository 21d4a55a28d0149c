//! Connections to a PostgreSQL server. Who writes, or asks what may take long, has one alone; the
//! look-ups of all others go down a few that they share.

mod begin;
mod lanes;
mod own;

use std::{sync::Arc, time::Duration};

use deadpool::managed::{Object, PoolError, TimeoutType};
use diesel::{
    ConnectionError, ConnectionResult, QueryResult,
    pg::Pg,
    query_builder::QueryFragment,
    result::{DatabaseErrorKind, Error},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::{Result, store::PoolUse};

pub(crate) use self::begin::{begin, time};
use self::{
    lanes::Lanes,
    own::{Connections, Own},
};
use crate::{
    error::{is_unavailable, unavailable},
    migrations,
    outage::{self, Outage},
    pool::Pool,
};

pub(crate) type Postgres = AsyncPgConnection;

/// Who waits for one costs more than another one does.
const CONNECTIONS: usize = 32;
/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_millis(3500);

pub(crate) struct Server {
    pool: Pool<Connections>,
    lanes: Lanes,
    outage: Arc<Outage>,
}

/// What one caller asks the server by: nothing, before the first statement.
pub(crate) struct Access {
    server: Arc<Server>,
    by: Option<By>,
}

enum By {
    Own(Box<Object<Connections>>),
    Lane(Arc<Postgres>),
}

impl Server {
    /// The database is brought up to date first.
    pub async fn open(url: &str, outage: Arc<Outage>) -> Result<Arc<Self>> {
        let first = Postgres::establish(url).await.map_err(unavailable)?;
        migrations::run_on_postgres(first).await?;
        let pool = Pool::new("all", Connections(url.to_owned()), CONNECTIONS, PATIENCE)?;
        Ok(Arc::new(Self { pool, lanes: Lanes::new(url), outage }))
    }

    pub fn in_use(&self) -> PoolUse {
        self.pool.in_use()
    }

    /// How to ask it: for what is quick, down a lane that is open.
    async fn by(&self, quick: bool) -> QueryResult<By> {
        if !self.outage.admits() {
            return Err(not_connected("it has not answered lately".to_owned()));
        }
        if let Some(lane) = quick.then(|| self.lanes.next()).flatten() {
            return Ok(By::Lane(lane));
        }
        let own = self.pool.get().await.map_err(|error| {
            if let PoolError::Timeout(TimeoutType::Create) = error {
                self.outage.silent();
            }
            not_connected(error.to_string())
        })?;
        Ok(By::Own(Box::new(own)))
    }
}

impl Access {
    pub fn new(server: Arc<Server>) -> Self {
        Self { server, by: None }
    }

    /// The connection for the next statement, which sees what was held. Who has their own keeps it.
    pub async fn connection(&mut self, quick: bool) -> QueryResult<&Postgres> {
        let by = match self.by.take() {
            Some(own @ By::Own(_)) => own,
            _ => self.server.by(quick).await?,
        };
        Ok(match self.by.insert(by) {
            By::Lane(lane) => lane,
            By::Own(own) => {
                self.server.outage.bounded(own.send()).await?;
                &own.connection
            }
        })
    }

    /// Sends a write of a transaction later.
    pub fn hold(&mut self, statement: impl QueryFragment<Pg>) -> QueryResult<()> {
        self.own()?.hold(statement)
    }

    /// Likewise, together with the inserts before it.
    pub fn hold_insert(&mut self, insert: impl QueryFragment<Pg>) -> QueryResult<()> {
        self.own()?.hold_insert(insert)
    }

    pub async fn commit(&mut self) -> QueryResult<()> {
        let outage = self.server.outage.clone();
        outage.bounded(self.own()?.commit()).await
    }

    pub async fn roll_back(&mut self) -> QueryResult<()> {
        let outage = self.server.outage.clone();
        let own = self.own()?;
        own.forget();
        outage.bounded(own.connection.batch_execute("ROLLBACK")).await
    }

    fn own(&mut self) -> QueryResult<&mut Own> {
        match &mut self.by {
            Some(By::Own(own)) => Ok(own),
            _ => Err(Error::NotInTransaction),
        }
    }

    /// Nobody else asks down a lane that has failed.
    pub fn failed(&self, error: &Error) {
        match &self.by {
            Some(By::Lane(lane)) if is_unavailable(error) => self.server.lanes.close(lane),
            _ => {}
        }
    }

    /// Closes the own connection instead of giving it back.
    pub fn abandon(&mut self) {
        if let Some(By::Own(own)) = self.by.take() {
            drop(Object::take(*own));
        }
    }
}

fn not_connected(message: String) -> Error {
    Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(message))
}

/// Statements are planned once: PostgreSQL by itself would plan those with a list anew each time,
/// which takes longer than to run them.
async fn connect(url: &str, more: &str) -> ConnectionResult<Postgres> {
    let mut conn = Postgres::establish(url).await?;
    let settings = outage::limits() + "SET plan_cache_mode = force_generic_plan;" + more;
    conn.batch_execute(&settings).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}
