//! SQLite blocks, so each of its connections has a thread of its own for what may take long: to pass
//! a statement there costs a fraction of what a pool of threads for all that blocks does.

use std::{sync::mpsc, thread};

use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error},
};
use tokio::sync::oneshot;

type Task = Box<dyn FnOnce() + Send>;

/// Runs one task after the other, and ends with its owner.
pub(super) struct OwnThread {
    tasks: mpsc::Sender<Task>,
}

impl OwnThread {
    pub fn start() -> Self {
        let (tasks, queue) = mpsc::channel::<Task>();
        let run = move || queue.into_iter().for_each(|task| task());
        thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(run)
            .expect("a thread can be started where a connection can be opened");
        Self { tasks }
    }

    pub async fn run<R: Send + 'static>(
        &self,
        task: impl FnOnce() -> QueryResult<R> + Send + 'static,
    ) -> QueryResult<R> {
        let (done, outcome) = oneshot::channel();
        let task = Box::new(move || {
            // Whoever asked may not wait for it any more.
            let _ = done.send(task());
        });
        // Where the thread has ended, nobody sends the outcome, and that is the error.
        let _ = self.tasks.send(task);
        outcome.await.unwrap_or_else(|_| {
            let message = "the connection's thread has ended".to_owned();
            Err(Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(message)))
        })
    }
}
