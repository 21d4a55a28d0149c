//! An embedded database: who reads and writes it, and how long its write-ahead log becomes.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use diesel_async::{
    AsyncConnection, SimpleAsyncConnection,
    pooled_connection::{ManagerConfig, RecyclingMethod},
};
use domain::Result;
use futures::FutureExt;

use crate::{
    backend::{Manager, PATIENCE, Sqlite},
    error::{database, unavailable},
    migrations,
    pool::Pool,
};

const READERS: usize = 4;
/// How long a writer waits for its turn among those of this process.
const WRITER_PATIENCE: Duration = Duration::from_secs(20);
/// How long whoever's turn it is waits for other processes.
const BUSY_MILLIS: u64 = 10_000;

/// SQLite has one writer at a time; it is waited for here, in order, not by busy retries.
pub(crate) struct Pools {
    pub readers: Pool<Manager<Sqlite>>,
    pub writer: Pool<Manager<Sqlite>>,
    pub log: std::sync::Arc<WriteAheadLog>,
}

pub(crate) async fn open(path: &str) -> Result<Pools> {
    let _alone = migrations::alone(path)?;
    let mut first = connection(path.to_owned()).await.map_err(unavailable)?;
    first.batch_execute("PRAGMA journal_mode = WAL").await.map_err(database)?;
    migrations::run_on_sqlite(first, Path::new(path)).await?;
    Ok(Pools {
        readers: pool("readers", path, READERS, PATIENCE)?,
        writer: pool("writer", path, 1, WRITER_PATIENCE)?,
        log: WriteAheadLog::of(path).into(),
    })
}

fn pool(
    name: &'static str,
    path: &str,
    size: usize,
    patience: Duration,
) -> Result<Pool<Manager<Sqlite>>> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|path| connection(path.to_owned()).boxed());
    let manager = Manager::new_with_config(path, config);
    Pool::new(name, manager, size, patience)
}

async fn connection(path: String) -> diesel::ConnectionResult<Sqlite> {
    let mut conn = Sqlite::establish(&path).await?;
    let setup = format!(
        "PRAGMA busy_timeout = {BUSY_MILLIS};
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -2000;
         PRAGMA cell_size_check = ON;",
    );
    conn.batch_execute(&setup).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

/// The log of what was written and is not in the database's file yet. SQLite takes it in by itself,
/// but begins it anew only when nobody reads from it, which under a steady load is never.
pub(crate) struct WriteAheadLog {
    path: PathBuf,
    /// The length at which it is cut.
    long: AtomicU64,
}

impl WriteAheadLog {
    const LONG: u64 = 32 << 20;
    /// How long the readers of the moment are waited for.
    const PATIENCE_MILLIS: u64 = 500;

    fn of(database: &str) -> Self {
        Self { path: format!("{database}-wal").into(), long: AtomicU64::new(Self::LONG) }
    }

    /// Cuts a log that has become long, once those who read now have ended. Where one of them takes
    /// too long, it is tried again after as much has been written once more.
    pub async fn cut_if_long(&self, writer: &mut Sqlite) -> Result<()> {
        let length = || fs::metadata(&self.path).map_or(0, |file| file.len());
        if length() < self.long.load(Relaxed) {
            return Ok(());
        }
        let cut = format!(
            "PRAGMA busy_timeout = {}; PRAGMA wal_checkpoint(TRUNCATE); \
             PRAGMA busy_timeout = {BUSY_MILLIS};",
            Self::PATIENCE_MILLIS
        );
        writer.batch_execute(&cut).await.map_err(database)?;
        self.long.store(length() + Self::LONG, Relaxed);
        Ok(())
    }
}
