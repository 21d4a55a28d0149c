use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Relaxed, Release},
        },
    },
    thread::available_parallelism,
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::{PATIENCE, Postgres, connect};

/// The server works on one statement of a lane at a time.
const FEWEST: usize = 2;
const MOST: usize = 8;
/// How long nobody tries again to open a lane that could not be opened.
const PAUSE: Duration = Duration::from_secs(1);

/// What was planned while a table was small still reads along an index when it has grown.
const ALONG_INDEXES: &str = "SET enable_seqscan = off;";

/// Connections down which look-ups follow each other without waiting for an answer. Where one is
/// not open, somebody opens it, and whoever asks meanwhile has to go another way.
pub(super) struct Lanes {
    url: String,
    lanes: Vec<Arc<Lane>>,
    turn: AtomicUsize,
}

#[derive(Default)]
struct Lane {
    connection: Mutex<Option<Arc<Postgres>>>,
    opening: AtomicBool,
}

impl Lanes {
    pub fn new(url: &str) -> Self {
        let cores = available_parallelism().map_or(FEWEST, NonZero::get);
        let lanes = (0..cores.clamp(FEWEST, MOST)).map(|_| Arc::default()).collect();
        Self { url: url.to_owned(), lanes, turn: AtomicUsize::default() }
    }

    pub fn next(&self) -> Option<Arc<Postgres>> {
        let lane = &self.lanes[self.turn.fetch_add(1, Relaxed) % self.lanes.len()];
        let open = lane.connection().clone();
        if open.is_none() && !lane.opening.swap(true, AcqRel) {
            tokio::spawn(lane.clone().open(self.url.clone()));
        }
        open
    }

    pub fn close(&self, failed: &Arc<Postgres>) {
        for lane in &self.lanes {
            lane.connection().take_if(|open| Arc::ptr_eq(open, failed));
        }
    }
}

impl Lane {
    async fn open(self: Arc<Self>, url: String) {
        match timeout(PATIENCE, connect(&url, ALONG_INDEXES)).await {
            Ok(Ok(opened)) => *self.connection() = Some(Arc::new(opened)),
            _ => sleep(PAUSE).await,
        }
        self.opening.store(false, Release);
    }

    fn connection(&self) -> MutexGuard<'_, Option<Arc<Postgres>>> {
        self.connection.lock().expect("nothing panics while it holds this lock")
    }
}
