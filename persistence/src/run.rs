//! How a query is run: by the same words on either database. Each statement is prepared once for
//! each connection. Diesel by itself keeps only those whose SQL follows from their type, hence no
//! insert, no update and no raw SQL; here the SQL is the key.

use diesel::{
    QueryResult, SqliteConnection,
    backend::Backend,
    connection::LoadConnection,
    deserialize::FromSqlRow,
    expression::QueryMetadata,
    helper_types::Limit,
    query_builder::{
        AsQuery, AstPass, CollectedQuery, MoveableBindCollector, Query, QueryBuilder,
        QueryFragment, QueryId,
    },
    query_dsl::{CompatibleType, methods::LimitDsl},
    result::Error,
    row::Row,
    sqlite::query_builder::SqliteQueryBuilder,
};
use diesel_async::AsyncConnectionCore;
use futures::TryStreamExt;

use crate::{postgres::Postgres, sqlite::Sqlite};

/// What Diesel calls so, for these connections.
pub(crate) trait RunQueryDsl: Sized {
    fn load<U>(
        self,
        conn: &mut impl Load<Self, U>,
    ) -> impl Future<Output = QueryResult<Vec<U>>> + Send {
        conn.load(self)
    }

    /// The first row, which must be there.
    fn get_result<U: Send>(
        self,
        conn: &mut impl Load<Self, U>,
    ) -> impl Future<Output = QueryResult<U>> + Send {
        let rows = conn.load(self);
        async { rows.await?.into_iter().next().ok_or(Error::NotFound) }
    }

    /// The first row, and asks for no other.
    fn first<U: Send>(
        self,
        conn: &mut impl Load<Limit<Self>, U>,
    ) -> impl Future<Output = QueryResult<U>> + Send
    where
        Self: LimitDsl,
    {
        self.limit(1).get_result(conn)
    }

    /// Answers with how many rows it has changed.
    fn execute(
        self,
        conn: &mut impl Execute<Self>,
    ) -> impl Future<Output = QueryResult<usize>> + Send {
        conn.execute(self)
    }
}

impl<Q> RunQueryDsl for Q {}

/// A connection that can read such rows by such a query.
pub(crate) trait Load<Q, U> {
    fn load(&mut self, query: Q) -> impl Future<Output = QueryResult<Vec<U>>> + Send;
}

/// A connection that can run such a statement.
pub(crate) trait Execute<Q> {
    fn execute(&mut self, query: Q) -> impl Future<Output = QueryResult<usize>> + Send;
}

/// A statement that is kept by its SQL.
struct Kept<Q>(Q);

type SqliteBackend = diesel::sqlite::Sqlite;
type SqliteBinder<'a> = <SqliteBackend as Backend>::BindCollector<'a>;
type SqliteBinds = <SqliteBinder<'static> as MoveableBindCollector<SqliteBackend>>::BindData;

impl<Q, U, ST> Load<Q, U> for Sqlite
where
    Q: AsQuery + Send,
    Q::Query: QueryFragment<SqliteBackend> + QueryId + Send,
    Q::SqlType: CompatibleType<U, SqliteBackend, SqlType = ST>,
    U: FromSqlRow<ST, SqliteBackend> + Send + 'static,
    SqliteBackend: QueryMetadata<Q::SqlType>,
{
    /// Rows are read where the connection is: to carry them away costs a copy of each value.
    async fn load(&mut self, query: Q) -> QueryResult<Vec<U>> {
        if self.in_place {
            let kept = Kept(query.as_query());
            return self
                .run_in_place(|connection| read_all(LoadConnection::load(connection, kept)?))
                .await;
        }
        let collected = collected(query.as_query())?;
        self.run(move |connection| load_collected(connection, &collected)).await
    }
}

fn load_collected<U: FromSqlRow<ST, SqliteBackend>, ST>(
    connection: &mut SqliteConnection,
    query: &CollectedQuery<SqliteBinds>,
) -> QueryResult<Vec<U>> {
    read_all(LoadConnection::load(connection, query)?)
}

fn read_all<'r, R, U, ST>(rows: impl Iterator<Item = QueryResult<R>>) -> QueryResult<Vec<U>>
where
    R: Row<'r, SqliteBackend>,
    U: FromSqlRow<ST, SqliteBackend>,
{
    rows.map(|row| U::build_from_row(&row?).map_err(Error::DeserializationError)).collect()
}

impl<Q: QueryFragment<SqliteBackend> + Send> Execute<Q> for Sqlite {
    async fn execute(&mut self, query: Q) -> QueryResult<usize> {
        let collected = collected(query)?;
        self.run(move |connection| {
            diesel::connection::Connection::execute_returning_count(connection, &collected)
        })
        .await
    }
}

/// The SQL with its values, which nothing borrows any more.
fn collected(query: impl QueryFragment<SqliteBackend>) -> QueryResult<CollectedQuery<SqliteBinds>> {
    let backend = SqliteBackend::default();
    let mut binds = SqliteBinder::default();
    query.collect_binds(&mut binds, &mut (), &backend)?;
    let mut sql = SqliteQueryBuilder::default();
    query.to_sql(&mut sql, &backend)?;
    Ok(CollectedQuery::new(sql.finish(), true, binds.moveable()))
}

impl<Q, U, ST> Load<Q, U> for &Postgres
where
    Q: AsQuery + Send,
    Q::Query: QueryFragment<diesel::pg::Pg> + QueryId + Send,
    Q::SqlType: CompatibleType<U, diesel::pg::Pg, SqlType = ST>,
    U: FromSqlRow<ST, diesel::pg::Pg> + Send + 'static,
    diesel::pg::Pg: QueryMetadata<Q::SqlType>,
{
    async fn load(&mut self, query: Q) -> QueryResult<Vec<U>> {
        read(self, query).await
    }
}

/// Several at once are sent together, and answered in turn.
pub(crate) async fn read<Q, U, ST>(conn: &Postgres, query: Q) -> QueryResult<Vec<U>>
where
    Q: AsQuery + Send,
    Q::Query: QueryFragment<diesel::pg::Pg> + QueryId + Send,
    Q::SqlType: CompatibleType<U, diesel::pg::Pg, SqlType = ST>,
    U: FromSqlRow<ST, diesel::pg::Pg> + Send + 'static,
    diesel::pg::Pg: QueryMetadata<Q::SqlType>,
{
    let mut conn = conn;
    let rows = AsyncConnectionCore::load(&mut conn, Kept(query.as_query())).await?;
    let read = async |row| U::build_from_row(&row).map_err(Error::DeserializationError);
    rows.and_then(read).try_collect().await
}

impl<Q: QueryFragment<diesel::pg::Pg> + QueryId + Send> Execute<Q> for &Postgres {
    async fn execute(&mut self, query: Q) -> QueryResult<usize> {
        self.execute_returning_count(Kept(query)).await
    }
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for Kept<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: Query> Query for Kept<Q> {
    type SqlType = Q::SqlType;
}

/// Where the SQL follows from the type, it need not be written to be found.
impl<Q: QueryId> QueryId for Kept<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

#[cfg(test)]
mod tests {
    use diesel::{Connection, RunQueryDsl, SqliteConnection, dsl::sql, select, sql_types::Integer};

    /// See `.cargo/config.toml`.
    #[test]
    fn sqlite_does_not_prepare_again_for_the_value_of_a_limit() {
        let mut connection = SqliteConnection::establish(":memory:").expect("it needs nothing");

        let option = sql::<Integer>("sqlite_compileoption_used('ENABLE_QPSG')");

        assert_eq!(select(option).get_result::<i32>(&mut connection), Ok(1));
    }
}
