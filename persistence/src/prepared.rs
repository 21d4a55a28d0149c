//! Statements that are prepared once for each connection. Diesel by itself keeps only those whose
//! SQL follows from their type, hence no insert, no update and no raw SQL; here the SQL is the key.

use diesel::{
    QueryResult, SqliteConnection,
    backend::Backend,
    connection::LoadConnection,
    query_builder::{AsQuery, AstPass, Query, QueryFragment, QueryId},
    row::IntoOwnedRow,
};
use diesel_async::{AsyncConnectionCore, SimpleAsyncConnection};
use futures::{future::BoxFuture, stream::BoxStream};

use crate::backend::{Postgres, Sqlite};

/// A connection that prepares each statement once.
pub(crate) struct Prepared<'a, C>(pub &'a mut C);

/// A statement that is kept by its SQL.
struct Kept<Q>(Q);

type SqliteRow = <<SqliteConnection as LoadConnection>::Row<'static, 'static> as IntoOwnedRow<
    'static,
    diesel::sqlite::Sqlite,
>>::OwnedRow;
type PostgresRow = <Postgres as AsyncConnectionCore>::Row<'static, 'static>;

/// The types are spelled out: what they are to the wrapped connection takes the compiler long to
/// find, and it would have to for every query.
macro_rules! prepared {
    ($connection:ty, $backend:ty, $row:ty, $life:lifetime) => {
        impl SimpleAsyncConnection for Prepared<'_, $connection> {
            async fn batch_execute(&mut self, sql: &str) -> QueryResult<()> {
                self.0.batch_execute(sql).await
            }
        }

        impl AsyncConnectionCore for Prepared<'_, $connection> {
            type ExecuteFuture<'conn, 'query> = BoxFuture<$life, QueryResult<usize>>;
            type LoadFuture<'conn, 'query> =
                BoxFuture<$life, QueryResult<BoxStream<'static, QueryResult<$row>>>>;
            type Stream<'conn, 'query> = BoxStream<'static, QueryResult<$row>>;
            type Row<'conn, 'query> = $row;
            type Backend = $backend;

            fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
            where
                T: AsQuery + 'query,
                T::Query: QueryFragment<$backend> + QueryId + 'query,
            {
                self.0.load(Kept(source.as_query()))
            }

            fn execute_returning_count<'conn, 'query, T>(
                &'conn mut self,
                source: T,
            ) -> Self::ExecuteFuture<'conn, 'query>
            where
                T: QueryFragment<$backend> + QueryId + 'query,
            {
                self.0.execute_returning_count(Kept(source))
            }
        }
    };
}

prepared!(Sqlite, diesel::sqlite::Sqlite, SqliteRow, 'query);
prepared!(Postgres, diesel::pg::Pg, PostgresRow, 'conn);

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

impl<Q> QueryId for Kept<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
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
