use anyhow::Result;
use diesel::SqliteConnection;
use diesel_async::{
    AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, deadpool::Pool},
    sync_connection_wrapper::SyncConnectionWrapper,
};
use futures::FutureExt;

pub type Sqlite = SyncConnectionWrapper<SqliteConnection>;

/// A pool as the documentation of diesel-async has it, on either database.
pub enum Database {
    Postgres(Pool<AsyncPgConnection>),
    Sqlite(Pool<Sqlite>),
}

/// Runs one body on a connection of whichever database is open.
macro_rules! on {
    ($database:expr, |$c:ident| $body:expr) => {
        match $database {
            $crate::idiomatic::database::Database::Postgres(pool) => {
                let mut $c = pool.get().await?;
                $body
            }
            $crate::idiomatic::database::Database::Sqlite(pool) => {
                let mut $c = pool.get().await?;
                $body
            }
        }
    };
}
pub(super) use on;

impl Database {
    pub fn open(url: &str) -> Result<Self> {
        let Some(path) = url.strip_prefix("sqlite://") else {
            let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new(url);
            return Ok(Self::Postgres(Pool::builder(manager).max_size(16).build()?));
        };
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|path| {
            async move {
                let mut conn = Sqlite::establish(path).await?;
                conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA busy_timeout = 30000")
                    .await
                    .map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
                Ok(conn)
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::<Sqlite>::new_with_config(path, config);
        Ok(Self::Sqlite(Pool::builder(manager).build()?))
    }
}
