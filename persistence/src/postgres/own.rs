use std::collections::HashSet;

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
/// What the first of several inserts stands behind.
const OPENING: &str = "WITH i0 AS (";

/// A connection that one caller has alone, with the writes that wait to be sent: nobody asks what
/// they came to, so that they can go together, and with the end of the transaction.
pub(crate) struct Own {
    pub connection: Postgres,
    held: Vec<Held>,
    /// The SQL that it has prepared by the way of what was held.
    prepared: HashSet<String>,
}

/// A write, or several that insert: they see nothing of each other, and are one statement.
#[derive(Default)]
struct Held {
    sql: PgQueryBuilder,
    binds: RawBytesBindCollector<Pg>,
    /// Of which each stands in brackets.
    inserts: usize,
}

impl Own {
    pub fn hold(&mut self, statement: impl QueryFragment<Pg>) -> QueryResult<()> {
        let mut held = Held::default();
        held.write(statement)?;
        self.held.push(held);
        Ok(())
    }

    /// Joins it to the inserts before it.
    pub fn hold_insert(&mut self, insert: impl QueryFragment<Pg>) -> QueryResult<()> {
        let mut held = self.held.pop_if(|last| last.inserts > 0).unwrap_or_default();
        held.join(insert)?;
        self.held.push(held);
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
        let held: Vec<_> = self.held.drain(..).map(Held::into_parts).collect();
        let connection = &self.connection;
        let at_once =
            held.len() <= AT_ONCE && held.iter().all(|(it, _)| self.prepared.contains(it));
        if at_once {
            let held = held.into_iter().map(|(sql, binds)| execute(connection, sql, binds));
            let (sent, ended) = join(join_all(held), end(connection)).await;
            return sent.into_iter().collect::<QueryResult<()>>().and(ended);
        }
        for (sql, binds) in held {
            execute(connection, sql.clone(), binds).await?;
            self.prepared.insert(sql);
        }
        end(connection).await
    }
}

impl Held {
    fn write(&mut self, statement: impl QueryFragment<Pg>) -> QueryResult<()> {
        statement.collect_binds(&mut self.binds, &mut BuiltIn, &Pg)?;
        statement.to_sql(&mut self.sql, &Pg)
    }

    fn join(&mut self, insert: impl QueryFragment<Pg>) -> QueryResult<()> {
        let opening = match self.inserts {
            0 => OPENING.to_owned(),
            before => format!("), i{before} AS ("),
        };
        self.inserts += 1;
        self.sql.push_sql(&opening);
        self.write(insert)
    }

    fn into_parts(self) -> (String, RawBytesBindCollector<Pg>) {
        let mut sql = self.sql.finish();
        match self.inserts {
            0 => {}
            1 => drop(sql.drain(..OPENING.len())),
            _ => sql.push_str(") SELECT"),
        }
        (sql, self.binds)
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
    sql: String,
    binds: RawBytesBindCollector<Pg>,
) -> QueryResult<()> {
    let statement = CollectedQuery::new(sql, true, binds);
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
