use std::{fs, path::PathBuf};

use diesel::QueryResult;

use super::connection::{Sqlite, WAIT_FOR_NOBODY};

/// The log of what was written and is not in the database's file yet. SQLite takes it in by itself,
/// but begins it anew only when nobody reads from it, which under a steady load is never.
pub(super) struct WriteAheadLog {
    path: PathBuf,
    /// The length at which it is cut.
    long: u64,
}

impl WriteAheadLog {
    const LONG: u64 = 32 << 20;
    /// How long the readers of the moment are waited for.
    const PATIENCE_MILLIS: u64 = 500;

    pub fn of(database: &str) -> Self {
        Self { path: format!("{database}-wal").into(), long: Self::LONG }
    }

    /// Cuts a log that has become long, once those who read now have ended. Where one of them takes
    /// too long, it is tried again after as much has been written once more.
    pub async fn cut_if_long(&mut self, writer: &Sqlite) -> QueryResult<()> {
        if self.length() < self.long {
            return Ok(());
        }
        let cut = format!(
            "PRAGMA busy_timeout = {}; PRAGMA wal_checkpoint(TRUNCATE); {WAIT_FOR_NOBODY}",
            Self::PATIENCE_MILLIS
        );
        writer.batch(&cut).await?;
        self.long = self.length() + Self::LONG;
        Ok(())
    }

    fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |file| file.len())
    }
}
