//! Who goes on, and for how long: from one call to store or cluster to the next.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
};

use async_trait::async_trait;
use domain::{
    Result,
    commerce::OrderQuestion,
    ids::UserId,
    store::{Opened, PoolUse, Session, Store, Transaction},
};
use jiff::Timestamp;
use persistence::{CommitMoment, SqlStore};

pub type Life = Pin<Box<dyn Future<Output = ()>>>;

/// The panic that stands for `kill -9`.
pub struct Killed;

/// How an actor's turn ended.
pub enum End {
    /// It waits for its next turn, before this call.
    At(&'static str),
    Done,
    Killed,
}

#[derive(Clone, Default)]
pub struct Turns(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    granted: bool,
    arrived: Option<&'static str>,
    death: Option<CommitMoment>,
}

impl Turns {
    /// Waits for the next turn.
    pub async fn wait(&self, at: &'static str) {
        self.0.lock().unwrap().arrived = Some(at);
        poll_fn(|_| match std::mem::take(&mut self.0.lock().unwrap().granted) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Gives an actor a turn, while all others stand still.
    pub async fn give(&self, actor: &mut Life) -> End {
        {
            let mut state = self.0.lock().unwrap();
            (state.granted, state.arrived) = (true, None);
        }
        poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| actor.as_mut().poll(cx))) {
            Ok(Poll::Ready(())) => Poll::Ready(End::Done),
            Ok(Poll::Pending) => match self.0.lock().unwrap().arrived {
                Some(at) => Poll::Ready(End::At(at)),
                None => Poll::Pending,
            },
            Err(panic) if panic.is::<Killed>() => Poll::Ready(End::Killed),
            Err(panic) => resume_unwind(panic),
        })
        .await
    }

    /// Lets the process die that is the next to commit, unless that is called off.
    pub fn kill_at_commit(&self, moment: Option<CommitMoment>) {
        self.0.lock().unwrap().death = moment;
    }

    /// What a store calls around each commit.
    pub fn commit(&self, moment: CommitMoment) {
        let mut state = self.0.lock().unwrap();
        if state.death == Some(moment) {
            state.death = None;
            drop(state);
            resume_unwind(Box::new(Killed));
        }
    }
}

/// A store before each call to which an actor waits for its turn. A transaction is one turn, as
/// there is one writer.
pub struct TurnTaking {
    pub store: Arc<SqlStore>,
    pub turns: Turns,
}

#[async_trait]
impl Store for TurnTaking {
    async fn read(&self) -> Result<Box<dyn Session>> {
        self.turns.wait("read").await;
        self.store.read().await
    }

    async fn write(&self) -> Result<Box<dyn Transaction>> {
        self.turns.wait("write").await;
        self.store.write().await
    }

    async fn write_for(&self, user: UserId, order: Option<&OrderQuestion>) -> Result<Opened> {
        self.turns.wait("write").await;
        self.store.write_for(user, order).await
    }

    async fn now(&self) -> Result<Timestamp> {
        self.store.now().await
    }

    async fn safe_head(&self) -> Result<i64> {
        self.turns.wait("head").await;
        self.store.safe_head().await
    }

    fn caller_changes(&self) -> u64 {
        self.store.caller_changes()
    }

    fn pools(&self) -> Vec<PoolUse> {
        self.store.pools()
    }
}
