use diesel_async::{AsyncMigrationHarness, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use domain::{Error, Result};

use crate::{
    backend::{Postgres, Sqlite},
    error::database,
};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

pub(crate) fn run_on_sqlite(conn: Sqlite) -> Result<()> {
    migrated(AsyncMigrationHarness::new(conn)).map(drop)
}

/// However many processes start at once, one migrates and the others wait for it.
pub(crate) async fn run_on_postgres(mut conn: Postgres) -> Result<()> {
    conn.batch_execute("SELECT pg_advisory_lock(hashtextextended('slipway/migrations', 0))")
        .await
        .map_err(database)?;
    // The lock goes with the connection.
    migrated(AsyncMigrationHarness::new(conn)).map(drop)
}

fn migrated<H, DB>(mut harness: H) -> Result<H>
where
    DB: diesel::backend::Backend,
    H: MigrationHarness<DB>,
{
    harness.run_pending_migrations(MIGRATIONS).map(drop).map_err(|error| Error::Internal {
        context: "the database could not be migrated".to_owned(),
        source: Some(error),
    })?;
    Ok(harness)
}
