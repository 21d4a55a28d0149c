//! SQLite blocks, so each of its connections has a thread of its own: to pass a statement there and
//! its rows back costs a fraction of what a pool of threads for all that blocks does.

use std::{error::Error, sync::mpsc, thread};

use diesel_async::sync_connection_wrapper::SpawnBlocking;
use futures::{FutureExt, TryFutureExt, future::BoxFuture};
use tokio::sync::oneshot;

type Task = Box<dyn FnOnce() + Send>;

/// Runs the statements of one connection, one after the other, and ends with it.
pub(crate) struct OwnThread {
    tasks: mpsc::Sender<Task>,
}

impl SpawnBlocking for OwnThread {
    fn spawn_blocking<'a, R>(
        &mut self,
        task: impl FnOnce() -> R + Send + 'static,
    ) -> BoxFuture<'a, Result<R, Box<dyn Error + Send + Sync + 'static>>>
    where
        R: Send + 'static,
    {
        let (done, outcome) = oneshot::channel();
        let task = Box::new(move || {
            // Whoever asked may not wait for it any more.
            let _ = done.send(task());
        });
        // Where the thread has ended, nobody sends the outcome, and that is the error.
        let _ = self.tasks.send(task);
        outcome.map_err(Box::from).boxed()
    }

    fn get_runtime() -> Self {
        let (tasks, queue) = mpsc::channel::<Task>();
        let run = move || queue.into_iter().for_each(|task| task());
        thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(run)
            .expect("a thread can be started where a connection can be opened");
        Self { tasks }
    }
}
