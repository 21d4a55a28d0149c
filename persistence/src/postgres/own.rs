use std::{collections::HashSet, mem};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use diesel::{
    QueryResult,
    pg::{Pg, PgMetadataLookup, PgQueryBuilder, PgTypeMetadata},
    query_builder::{
        CollectedQuery, QueryBuilder, QueryFragment, bind_collector::RawBytesBindCollector,
    },
};
use diesel_async::{
    AsyncConnectionCore, SimpleAsyncConnection,
    pooled_connection::{PoolError, PoolableConnection},
};
use futures::future::{join, join_all};

use super::{Postgres, connect};

/// More are not sent at once.
const AT_ONCE: usize = 16;

/// A connection that one caller has alone, with the writes that wait to be sent: nobody asks what
/// they came to, so that they can go together, and with the end of the transaction.
pub(crate) struct Own {
    pub connection: Postgres,
    held: Vec<Held>,
    /// The SQL that it has prepared by the way of what was held.
    prepared: HashSet<String>,
}

struct Held {
    sql: String,
    statement: CollectedQuery<RawBytesBindCollector<Pg>>,
}

impl Own {
    pub fn hold(&mut self, statement: impl QueryFragment<Pg>) -> QueryResult<()> {
        self.held.push(Held::new(statement)?);
        Ok(())
    }

    pub fn forget(&mut self) {
        self.held.clear();
    }

    pub async fn send(&mut self) -> QueryResult<()> {
        if self.held.is_empty() { Ok(()) } else { self.send_with(async |_| Ok(())).await }
    }

    pub async fn commit(&mut self) -> QueryResult<()> {
        self.send_with(async |mut connection| connection.batch_execute("COMMIT").await).await
    }

    /// All at once, where nothing has to be prepared: what has to be would be overtaken. Where one
    /// fails, the transaction has failed, and its end is a rollback.
    async fn send_with(
        &mut self,
        end: impl AsyncFnOnce(&Postgres) -> QueryResult<()>,
    ) -> QueryResult<()> {
        let held = mem::take(&mut self.held);
        let connection = &self.connection;
        let at_once = held.len() <= AT_ONCE && held.iter().all(|h| self.prepared.contains(&h.sql));
        if at_once {
            let held = held.into_iter().map(|held| execute(connection, held.statement));
            let (sent, ended) = join(join_all(held), end(connection)).await;
            return sent.into_iter().collect::<QueryResult<()>>().and(ended);
        }
        for Held { sql, statement } in held {
            execute(connection, statement).await?;
            self.prepared.insert(sql);
        }
        end(connection).await
    }
}

impl Held {
    fn new(statement: impl QueryFragment<Pg>) -> QueryResult<Self> {
        let mut binds = RawBytesBindCollector::new();
        statement.collect_binds(&mut binds, &mut BuiltIn, &Pg)?;
        let mut sql = PgQueryBuilder::default();
        statement.to_sql(&mut sql, &Pg)?;
        let sql = sql.finish();
        let statement = CollectedQuery::new(sql.clone(), true, binds);
        Ok(Self { sql, statement })
    }
}

/// No column has a type that PostgreSQL does not bring with it.
struct BuiltIn;

impl PgMetadataLookup for BuiltIn {
    /// Leaves it to the server what it is.
    fn lookup_type(&mut self, _: &str, _: Option<&str>) -> PgTypeMetadata {
        PgTypeMetadata::new(0, 0)
    }
}

async fn execute(
    mut connection: &Postgres,
    statement: CollectedQuery<RawBytesBindCollector<Pg>>,
) -> QueryResult<()> {
    connection.execute_returning_count(statement).await.map(drop)
}

/// Makes the connections to the server at this address.
pub(super) struct Connections(pub String);

impl managed::Manager for Connections {
    type Type = Own;
    type Error = PoolError;

    async fn create(&self) -> Result<Own, PoolError> {
        let connection = connect(&self.0, "").await.map_err(PoolError::ConnectionError)?;
        Ok(Own { connection, held: Vec::new(), prepared: HashSet::new() })
    }

    async fn recycle(&self, own: &mut Own, _: &Metrics) -> RecycleResult<PoolError> {
        match own.connection.is_broken() {
            false => Ok(()),
            true => Err(RecycleError::message("the connection is closed")),
        }
    }
}
