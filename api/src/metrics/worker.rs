use std::{future::poll_fn, pin::pin, sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};
use rustix::time::{ClockId, clock_gettime};

type Seconds = Counter<f64, AtomicU64>;

/// What the parts of a worker take of this process's CPU time.
#[derive(Clone)]
pub struct WorkerCpu(Family<For, Seconds>);

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerPart {
    /// Executes tasks, which is mostly to ask clusters.
    Tasks,
    /// Follows the cluster.
    Watch,
    /// Claims tasks, and records what came of them and what the cluster shows.
    Books,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct For {
    part: &'static str,
}

impl WorkerCpu {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let seconds = Family::default();
        let help = "CPU time of executing tasks, following the cluster and keeping the books";
        registry.register_with_unit("worker_cpu", help, Unit::Seconds, seconds.clone());
        let cpu = Self(seconds);
        for part in [WorkerPart::Tasks, WorkerPart::Watch, WorkerPart::Books] {
            drop(cpu.seconds(part));
        }
        cpu
    }

    /// Adds what the future takes by itself. What others do for it, such as connections that have
    /// tasks of their own, is not in it.
    pub async fn measure<T>(&self, part: WorkerPart, future: impl Future<Output = T>) -> T {
        let seconds = self.seconds(part);
        let mut future = pin!(future);
        poll_fn(|context| {
            let before = used_by_this_thread();
            let polled = future.as_mut().poll(context);
            seconds.inc_by((used_by_this_thread() - before).as_secs_f64());
            polled
        })
        .await
    }

    fn seconds(&self, part: WorkerPart) -> Seconds {
        self.0.get_or_create_owned(&For { part: part.as_str() })
    }
}

impl WorkerPart {
    fn as_str(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Watch => "watch",
            Self::Books => "books",
        }
    }
}

fn used_by_this_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
