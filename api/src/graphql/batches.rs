//! When loaders dispatch. Their batches run inside the operation's own task, and only once the
//! operation has nothing left to do: then every parent of a level has asked, and all of them have
//! their answers at once. So the statements an operation costs depend on its selection alone.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures::{
    Stream, StreamExt,
    future::{BoxFuture, poll_fn},
    stream::{self, FuturesUnordered},
    task::{ArcWake, AtomicWaker, waker},
};

type Batch = BoxFuture<'static, ()>;

/// The batches under way, and whether the operation has asked to go on by itself.
#[derive(Default)]
struct Running {
    batches: FuturesUnordered<Batch>,
    stir: Arc<Stir>,
}

#[derive(Default)]
struct Stir {
    stirred: AtomicBool,
    outer: AtomicWaker,
}

impl ArcWake for Stir {
    fn wake_by_ref(stir: &Arc<Self>) {
        stir.stirred.store(true, Ordering::Release);
        stir.outer.wake();
    }
}

/// The batches of one operation that have not begun.
#[derive(Clone, Default)]
pub struct Batches(Arc<Mutex<Vec<Batch>>>);

impl Batches {
    pub(super) fn add(&self, batch: Batch) {
        self.waiting().push(batch);
    }

    /// Runs an operation together with its batches.
    pub async fn drive<T>(self, operation: impl Future<Output = T>) -> T {
        let mut operation = pin!(operation);
        let mut running = Running::default();
        poll_fn(|cx| self.poll(&mut running, cx, |cx| operation.as_mut().poll(cx))).await
    }

    /// Runs a subscription together with the batches of its items.
    pub fn drive_stream<T>(
        self,
        items: impl Stream<Item = T> + Send + 'static,
    ) -> impl Stream<Item = T> + Send {
        let mut items = items.boxed();
        let mut running = Running::default();
        stream::poll_fn(move |cx| self.poll(&mut running, cx, |cx| items.poll_next_unpin(cx)))
    }

    fn poll<T>(
        &self,
        running: &mut Running,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        running.stir.outer.register(cx.waker());
        let waker = waker(running.stir.clone());
        loop {
            running.stir.stirred.store(false, Ordering::Release);
            if let Poll::Ready(outcome) = operation(&mut Context::from_waker(&waker)) {
                return Poll::Ready(outcome);
            }
            // It only made way for others, and has more to ask for.
            if running.stir.stirred.load(Ordering::Acquire) {
                return Poll::Pending;
            }
            ready!(self.advance(&mut running.batches, cx));
        }
    }

    /// Begins what waits and takes what has ended; ready where the operation can go on.
    fn advance(&self, running: &mut FuturesUnordered<Batch>, cx: &mut Context<'_>) -> Poll<()> {
        running.extend(self.waiting().drain(..));
        let mut ended = false;
        while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {
            ended = true;
        }
        if ended { Poll::Ready(()) } else { Poll::Pending }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}
