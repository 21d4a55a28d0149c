//! Copies of an embedded database: before a migration, as a backup, and back.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::{
    Error, Result,
    clock::{Clock, SystemClock},
};

use crate::{
    error::{database, unavailable},
    migrations::{SchemaState, schema_state},
    sqlite::Keeper as Sqlite,
};

/// How far the log's positions jump when a copy takes the place of a database: further than any
/// that was given out since, so that no cursor means another event than it did.
const JUMP: i64 = 1 << 32;

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Writes a consistent copy of a database, which may be in use, to a new file.
pub async fn back_up(path: &Path, copy: &Path) -> Result<()> {
    must_exist(path)?;
    if copy.exists() {
        return Err(Error::invalid("copy", format!("{} is there already", copy.display())));
    }
    keep(&mut open(path).await?, copy).await?;
    examine(&mut open(copy).await?).await.map(drop)
}

/// Puts a copy in the place of a database that no process has open. What was there stays beside
/// it; answers with where.
pub async fn restore(copy: &Path, path: &Path) -> Result<Option<PathBuf>> {
    must_exist(copy)?;
    let arriving = beside(path, "arriving");
    remove(&arriving)?;
    let mut source = open(copy).await?;
    let state = examine(&mut source).await?;
    if state.applied.is_empty() {
        return Err(Error::invalid("copy", format!("{} is not of Slipway", copy.display())));
    }
    state.refuse_unknown()?;
    let kept = replace(path, &mut source, &arriving).await;
    // It is still there where something failed.
    remove(&arriving)?;
    kept
}

async fn replace(path: &Path, source: &mut Sqlite, arriving: &Path) -> Result<Option<PathBuf>> {
    keep(source, arriving).await?;
    mark_restored(&mut open(arriving).await?).await?;
    let kept = set_aside(path).await?;
    fs::rename(arriving, path).map_err(file(path))?;
    Ok(kept)
}

/// A path with something behind its name.
pub(crate) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    name.into()
}

/// Writes a copy, if it is not there, that only its owner may read.
pub(crate) async fn keep(conn: &mut Sqlite, copy: &Path) -> Result<()> {
    if copy.exists() {
        return Ok(());
    }
    let partial = beside(copy, "partial");
    remove(&partial)?;
    private(&partial)?;
    let text = partial.to_string_lossy().into_owned();
    sql_query("VACUUM INTO ?").bind::<Text, _>(text).execute(conn).await.map_err(database)?;
    File::open(&partial).and_then(|written| written.sync_all()).map_err(file(&partial))?;
    fs::rename(&partial, copy).map_err(file(copy))
}

/// Whether it is whole, and how far its schema is.
async fn examine(conn: &mut Sqlite) -> Result<SchemaState> {
    let found = sql_query("SELECT integrity_check AS text FROM pragma_integrity_check LIMIT 1");
    let found: Said = found.get_result(conn).await.map_err(database)?;
    if found.text != "ok" {
        return Err(Error::invalid("copy", format!("is damaged: {}", found.text)));
    }
    Ok(schema_state!(conn))
}

async fn mark_restored(conn: &mut Sqlite) -> Result<()> {
    let sql = "INSERT INTO events (position, event_type, subject_id, at, data) \
               SELECT COALESCE(MAX(position), 0) + ?, 'LOG_RESTORED', 'log', ?, '{}' FROM events";
    sql_query(sql)
        .bind::<BigInt, _>(JUMP)
        .bind::<BigInt, _>(SystemClock.now().as_microsecond())
        .execute(conn)
        .await
        .map(drop)
        .map_err(database)
}

/// Takes a database out of the way, unless a process has it open.
async fn set_aside(path: &Path) -> Result<Option<PathBuf>> {
    if !path.exists() {
        return Ok(None);
    }
    let kept = beside(path, "before-restore");
    if kept.exists() {
        return Err(Error::invalid("database", format!("{} is in the way", kept.display())));
    }
    // Only the last connection can leave the write-ahead log, and takes it in before.
    let alone = "PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE;";
    open(path).await?.batch_execute(alone).await.map_err(|_| {
        Error::invalid("database", format!("{} is in use: stop Slipway first", path.display()))
    })?;
    fs::rename(path, &kept).map_err(file(path))?;
    Ok(Some(kept))
}

async fn open(path: &Path) -> Result<Sqlite> {
    Sqlite::establish(&path.to_string_lossy()).await.map_err(unavailable)
}

fn must_exist(path: &Path) -> Result<()> {
    match path.is_file() {
        true => Ok(()),
        false => Err(Error::invalid("database", format!("{} is not there", path.display()))),
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(path)(error)),
        _ => Ok(()),
    }
}

/// Makes a file, if it is not there, that only its owner may read; what SQLite puts beside it is
/// like it.
pub(crate) fn private(path: &Path) -> Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(file(path))
}

/// An error of a file, with its path.
pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |error| Error::unavailable("the file", io::Error::other(format!("{path}: {error}")))
}
