use std::path::Path;

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{Error, Result};
use jiff::Timestamp;

use crate::{
    error::{database, unavailable},
    migrations::{SchemaState, schema_state},
    postgres::Postgres,
    sqlite::Keeper as Sqlite,
};

/// What can be said of a database without changing it.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Such as `SQLite 3.50.4`.
    pub server: String,
    pub schema: SchemaState,
    /// The database's own time.
    pub now: Option<Timestamp>,
    /// What is wrong with the file.
    pub damage: Option<String>,
}

#[derive(QueryableByName)]
struct Seen {
    #[diesel(sql_type = Text)]
    server: String,
    #[diesel(sql_type = BigInt)]
    micros: i64,
    #[diesel(sql_type = Text)]
    health: String,
}

/// Looks at the database behind a `sqlite://PATH` or `postgres://…` address.
pub async fn inspect(url: &str) -> Result<Inspection> {
    match url.strip_prefix("sqlite://") {
        Some(path) => inspect_sqlite(path).await,
        None => inspect_postgres(url).await,
    }
}

async fn inspect_sqlite(path: &str) -> Result<Inspection> {
    if !Path::new(path).exists() {
        return Err(Error::unavailable("the store", "there is no database yet"));
    }
    let mut conn = Sqlite::establish(path).await.map_err(unavailable)?;
    let sql = "SELECT 'SQLite ' || sqlite_version() AS server, 0 AS micros, \
               (SELECT quick_check FROM pragma_quick_check LIMIT 1) AS health";
    let seen: Seen = sql_query(sql).get_result(&mut conn).await.map_err(database)?;
    Ok(seen.with(schema_state!(&mut conn)))
}

async fn inspect_postgres(url: &str) -> Result<Inspection> {
    let mut conn = Postgres::establish(url).await.map_err(unavailable)?;
    let sql = "SELECT 'PostgreSQL ' || current_setting('server_version') AS server, \
               (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS micros, 'ok' AS health";
    let seen: Seen = sql_query(sql).get_result(&mut conn).await.map_err(database)?;
    Ok(seen.with(schema_state!(&mut conn)))
}

impl Seen {
    fn with(self, schema: SchemaState) -> Inspection {
        Inspection {
            server: self.server,
            schema,
            // An embedded database goes by this machine's clock.
            now: (self.micros != 0)
                .then(|| Timestamp::from_microsecond(self.micros).ok())
                .flatten(),
            damage: (self.health != "ok").then_some(self.health),
        }
    }
}
