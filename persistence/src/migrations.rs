//! The schema is brought up to date by whoever opens the database first. It only grows while an
//! older program may be using it; what nobody uses any more goes in a later release.

use std::{fs::File, path::Path};

use diesel::{
    QueryableByName, migration::MigrationSource, sql_types::Text, sqlite::Sqlite as Dialect,
};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use domain::{Error, Result};

use crate::{copies, error::database, postgres::Postgres, sqlite::Keeper as Sqlite};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// How far a database's schema has come, as versions of migrations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaState {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
    /// Applied by a newer program.
    pub unknown: Vec<String>,
}

#[derive(QueryableByName)]
pub(crate) struct Applied {
    #[diesel(sql_type = Text)]
    pub version: String,
}

/// Reads and changes nothing; a database that nobody has migrated has no versions.
macro_rules! schema_state {
    ($conn:expr) => {{
        let sql = "SELECT version FROM __diesel_schema_migrations ORDER BY version";
        let applied: diesel::QueryResult<Vec<$crate::migrations::Applied>> =
            diesel::sql_query(sql).load($conn).await;
        $crate::migrations::SchemaState::of(applied.unwrap_or_default())
    }};
}
pub(crate) use schema_state;

impl SchemaState {
    pub(crate) fn of(applied: Vec<Applied>) -> Self {
        let known = MigrationSource::<Dialect>::migrations(&MIGRATIONS).unwrap_or_default();
        let mut known: Vec<_> = known.iter().map(|it| it.name().version().to_string()).collect();
        known.sort();
        let applied: Vec<_> = applied.into_iter().map(|it| it.version).collect();
        let without = |these: &[String], those: &[String]| {
            these.iter().filter(|it| !those.contains(it)).cloned().collect()
        };
        Self { pending: without(&known, &applied), unknown: without(&applied, &known), applied }
    }

    /// What this program does not know it would not keep true.
    pub(crate) fn refuse_unknown(&self) -> Result<()> {
        match self.unknown.last() {
            None => Ok(()),
            Some(newest) => Err(Error::invalid(
                "database",
                format!("is of a newer Slipway (schema {newest}): start that one"),
            )),
        }
    }
}

/// Until it is dropped, no other process opens the file: SQLite itself does not let two of them set
/// a database up at once. A database that is no file has one process.
pub(crate) fn alone(path: &str) -> Result<Option<File>> {
    if path.starts_with("file:") {
        return Ok(None);
    }
    let path = copies::beside(Path::new(path), "lock");
    let lock = || {
        let file = File::create(&path)?;
        tokio::task::block_in_place(|| file.lock())?;
        Ok(file)
    };
    lock().map(Some).map_err(copies::file(&path))
}

/// A database that is in use already is copied before it is changed.
pub(crate) async fn run_on_sqlite(mut conn: Sqlite, path: &Path) -> Result<()> {
    let state = schema_state!(&mut conn);
    state.refuse_unknown()?;
    if let (false, Some(newest)) = (state.applied.is_empty(), state.pending.last()) {
        copies::keep(&mut conn, &copies::beside(path, &format!("before-{newest}"))).await?;
    }
    migrated(AsyncMigrationHarness::new(conn))
}

/// However many processes start at once, one migrates and the others wait for it.
pub(crate) async fn run_on_postgres(mut conn: Postgres) -> Result<()> {
    let lock = "SELECT pg_advisory_lock(hashtextextended('slipway/migrations', 0))";
    conn.batch_execute(lock).await.map_err(database)?;
    schema_state!(&mut conn).refuse_unknown()?;
    // The lock goes with the connection.
    migrated(AsyncMigrationHarness::new(conn))
}

fn migrated<DB: diesel::backend::Backend>(mut harness: impl MigrationHarness<DB>) -> Result<()> {
    harness.run_pending_migrations(MIGRATIONS).map(drop).map_err(|error| Error::Internal {
        context: "the database could not be migrated".to_owned(),
        source: Some(error),
    })
}
