//! The one writer that SQLite has. Units of work that wait for it together are committed together:
//! each but the first is a savepoint of one transaction, and none is done before that is on the
//! disk. A unit that is given up takes nothing of the others with it.

use std::{mem, sync::Arc};

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use domain::{Result, store::PoolUse};
use futures::FutureExt;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::{
    PATIENCE,
    connection::{BUSY_MILLIS, Sqlite, WAIT_FOR_NOBODY},
    log::WriteAheadLog,
};
use crate::{
    error::{database, unavailable},
    pool::Waits,
};

pub(crate) struct Writer {
    path: String,
    state: Arc<Mutex<State>>,
    waits: Arc<Waits>,
}

struct State {
    /// None while it is at work elsewhere, or lost.
    connection: Option<Sqlite>,
    group: Option<Group>,
    log: WriteAheadLog,
}

/// The units of one transaction that wait for its end.
#[derive(Default)]
struct Group {
    waiting: Vec<oneshot::Sender<QueryResult<()>>>,
    /// Whether a task is on its way to end it.
    is_ending: bool,
    /// Why there is nothing to be committed any more.
    broken: Option<String>,
}

/// A unit's turn to write.
pub(crate) struct Turn {
    state: OwnedMutexGuard<State>,
    waits: Arc<Waits>,
    /// Whether there is nobody else's in the transaction, so that it needs no savepoint.
    is_first: bool,
    has_ended: bool,
}

impl Writer {
    pub fn new(path: &str) -> Self {
        let state = State { connection: None, group: None, log: WriteAheadLog::of(path) };
        Self { path: path.to_owned(), state: Arc::new(Mutex::new(state)), waits: Arc::default() }
    }

    /// Begins a unit of work, as one of those that share a transaction.
    pub async fn turn(&self) -> Result<Turn> {
        let turn = self.state.clone().lock_owned().map(Ok);
        let late = domain::Error::StoreBusy("others write".into());
        let mut state = self.waits.measure(PATIENCE, turn, late).await?;
        // Where SQLite has ended the transaction, a savepoint would be one of its own.
        if state.group.as_ref().is_some_and(|group| group.broken.is_some()) {
            state.end().await;
        }
        let is_first = state.group.is_none();
        if is_first {
            self.begin(&mut state).await?;
        }
        let waits = self.waits.clone();
        let mut turn = Turn { state, waits, is_first, has_ended: false };
        turn.mark("SAVEPOINT unit").map_err(database)?;
        Ok(turn)
    }

    /// Begins a transaction for this unit and those who wait by the time that it is through.
    async fn begin(&self, state: &mut State) -> Result<()> {
        // Taken out, so that it is lost with whoever is given up in the midst of it.
        let mut connection = match state.connection.take() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        connection.in_place = true;
        if connection.batch_in_place("BEGIN IMMEDIATE").is_err() {
            // Another process writes, most likely, and is waited for where that holds nobody up.
            let begin =
                format!("PRAGMA busy_timeout = {BUSY_MILLIS}; BEGIN IMMEDIATE; {WAIT_FOR_NOBODY}");
            connection.batch(&begin).await.map_err(database)?;
        }
        state.connection = Some(connection);
        state.group = Some(Group::default());
        Ok(())
    }

    async fn open(&self) -> Result<Sqlite> {
        let connection = Sqlite::open(self.path.clone()).await.map_err(unavailable)?;
        connection.batch(WAIT_FOR_NOBODY).await.map_err(database)?;
        Ok(connection)
    }

    pub fn in_use(&self) -> PoolUse {
        let in_use = usize::from(self.state.try_lock().is_err());
        self.waits.in_use("writer", 1, in_use)
    }
}

/// Ends a group's transaction when its turn comes, which is behind those that wait already. In a
/// task of its own, for whoever wants it done may be given up.
async fn end(state: Arc<Mutex<State>>) {
    state.lock_owned().await.end().await;
}

impl State {
    async fn end(&mut self) {
        let Some(group) = self.group.take() else { return };
        let Some(connection) = self.connection.take() else { return };
        let ended = match group.broken {
            None => connection.batch("COMMIT").await,
            Some(why) => Err(lost(&why)),
        };
        let sound = match &ended {
            Ok(()) => self.log.cut_if_long(&connection).await.is_ok(),
            Err(_) => false,
        };
        // One that is not sound is closed, which rolls back too.
        self.connection = sound.then_some(connection);
        for unit in group.waiting {
            // Whoever is not waiting any more does not hear of it.
            let _ = unit.send(match &ended {
                Ok(()) => Ok(()),
                Err(error) => Err(lost(&error.to_string())),
            });
        }
    }
}

impl Turn {
    pub fn connection(&mut self) -> &mut Sqlite {
        self.state.connection.as_mut().expect("a turn begins with a connection, and keeps it")
    }

    /// Answers when the unit is on the disk.
    pub async fn commit(mut self) -> Result<()> {
        self.has_ended = true;
        if let Err(error) = self.mark("RELEASE unit") {
            self.break_group(&error);
            return Err(database(error));
        }
        self.transaction_ends().await.map_err(database)
    }

    /// Answers when all that the unit may have seen of others is on the disk, or lost: a refusal
    /// stands either way.
    pub async fn roll_back(mut self) {
        self.has_ended = true;
        self.undo();
        let _ = self.transaction_ends().await;
    }

    async fn transaction_ends(mut self) -> QueryResult<()> {
        let Some(group) = &mut self.state.group else { return Err(lost("it has ended")) };
        let (done, outcome) = oneshot::channel();
        group.waiting.push(done);
        if self.is_first && self.waits.is_nobody_waiting() {
            self.state.end().await;
        } else if !mem::replace(&mut group.is_ending, true) {
            tokio::spawn(end(OwnedMutexGuard::mutex(&self.state).clone()));
        }
        drop(self);
        outcome.await.unwrap_or_else(|_| Err(lost("the writer has ended")))
    }

    /// Begins or ends the savepoint.
    fn mark(&mut self, sql: &str) -> QueryResult<()> {
        if self.is_first { Ok(()) } else { self.connection().batch_in_place(sql) }
    }

    /// A group that is lost is lost with its connection.
    fn undo(&mut self) {
        if self.state.group.as_ref().is_none_or(|group| group.broken.is_some()) {
            return;
        }
        let sql = if self.is_first { "ROLLBACK" } else { "ROLLBACK TO unit; RELEASE unit" };
        match self.connection().batch_in_place(sql) {
            Ok(()) if self.is_first => self.state.group = None,
            Ok(()) => {}
            Err(error) => self.break_group(&error),
        }
    }

    /// SQLite itself ends a transaction where it cannot go on; all of the group's is lost then.
    pub fn break_group(&mut self, error: &Error) {
        if let Some(group) = &mut self.state.group {
            group.broken.get_or_insert_with(|| error.to_string());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.has_ended {
            self.undo();
        }
    }
}

fn lost(message: &str) -> Error {
    Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
}
