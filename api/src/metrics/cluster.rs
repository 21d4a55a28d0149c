use std::{future::poll_fn, pin::pin, sync::atomic::AtomicU64, time::Duration};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::{Registry, Unit},
};
use rustix::time::{ClockId, clock_gettime};

type Seconds = Counter<f64, AtomicU64>;

/// The part of this process's CPU time that clusters take.
#[derive(Clone)]
pub struct ClusterCpu(Family<For, Seconds>);

/// What a cluster is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterWork {
    /// A task is executed.
    Tasks,
    /// The cluster is followed.
    Watch,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct For {
    work: &'static str,
}

impl ClusterCpu {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let seconds = Family::default();
        let help = "CPU time of executing tasks and of following the cluster";
        registry.register_with_unit("cluster_cpu", help, Unit::Seconds, seconds.clone());
        let cpu = Self(seconds);
        for work in [ClusterWork::Tasks, ClusterWork::Watch] {
            drop(cpu.seconds(work));
        }
        cpu
    }

    /// Adds what the future takes by itself. What others do for it, such as connections that have
    /// tasks of their own, is not in it.
    pub async fn measure<T>(&self, work: ClusterWork, future: impl Future<Output = T>) -> T {
        let seconds = self.seconds(work);
        let mut future = pin!(future);
        poll_fn(|context| {
            let before = used_by_this_thread();
            let polled = future.as_mut().poll(context);
            seconds.inc_by((used_by_this_thread() - before).as_secs_f64());
            polled
        })
        .await
    }

    fn seconds(&self, work: ClusterWork) -> Seconds {
        self.0.get_or_create_owned(&For { work: work.as_str() })
    }
}

impl ClusterWork {
    fn as_str(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Watch => "watch",
        }
    }
}

fn used_by_this_thread() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}
