//! An embedded database: many read it at once, one writes.

mod connection;
mod log;
mod own_thread;
mod writer;

use std::{path::Path, time::Duration};

use deadpool::managed::{Object, PoolError, TimeoutType};
use diesel::SqliteConnection;
use diesel_async::{
    AsyncConnection, SimpleAsyncConnection, sync_connection_wrapper::SyncConnectionWrapper,
};
use domain::{Error, Result};

pub(crate) use self::{
    connection::{Readers, Sqlite},
    writer::{Turn, Writer},
};
use crate::{
    copies,
    error::{database, unavailable},
    migrations,
    pool::Pool,
};

const READERS: usize = 4;
/// How long somebody waits for their turn among those of this process.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection of whoever keeps the database as a whole in order.
pub(crate) type Keeper = SyncConnectionWrapper<SqliteConnection>;

pub(crate) struct Pools {
    pub readers: Pool<Readers>,
    pub writer: Writer,
}

impl Pools {
    pub async fn reader(&self) -> Result<Object<Readers>> {
        self.readers.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Error::StoreBusy(error.into()),
            other => unavailable(other),
        })
    }
}

pub(crate) async fn open(path: &str) -> Result<Pools> {
    let alone = migrations::alone(path)?;
    if alone.is_some() {
        copies::private(Path::new(path))?;
    }
    let mut first = Keeper::establish(path).await.map_err(unavailable)?;
    first.batch_execute("PRAGMA journal_mode = WAL").await.map_err(database)?;
    migrations::run_on_sqlite(first, Path::new(path)).await?;
    Ok(Pools {
        readers: Pool::new("readers", Readers(path.to_owned()), READERS, PATIENCE)?,
        writer: Writer::new(path),
    })
}
