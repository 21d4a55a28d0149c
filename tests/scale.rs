//! Many instances at once. `SLIPWAY_TEST_INSTANCES=500` makes it as many as the platform is held
//! to; fewer show the same in less time.

use std::{env, time::Duration};

use domain::{
    Settings,
    ids::ProcessId,
    instances::{InstanceFilter, InstanceStatus, Observer},
    page::PageRequest,
    runtime::Observation,
    store::Store,
    workflows::{WorkflowCaps, WorkflowFilter, WorkflowStatus},
};
use futures::{StreamExt, stream::BoxStream};
use jiff::SignedDuration;
use simulator::{Access, Fault};

use crate::support::TestApp;

/// A process at work, whose time is moved step by step.
struct AtWork {
    app: TestApp,
    observer: Observer,
    observations: BoxStream<'static, Observation>,
}

impl AtWork {
    async fn new() -> Self {
        let settings = Settings {
            workflow_caps: WorkflowCaps { all: 1000, tenant: 1000 },
            task_deadline: SignedDuration::from_mins(30),
            ..Settings::default()
        };
        let app = TestApp::with(settings).await;
        let process = ProcessId::fresh();
        let observer = app.control_plane.begin_observing(process).await.unwrap().unwrap();
        let observations = app.control_plane.observations();
        Self { app, observer, observations }
    }

    /// Orders and pays that many instances.
    async fn buy(&self, count: usize) {
        let (root, ada) = (self.app.admin().await, self.app.user("ada").await);
        let product = root.create_product("web:1").await;
        for n in 0..count {
            ada.buy(&product, &format!("web-{n}")).await;
        }
    }

    /// Half a second: all that is due, and all that the watch tells.
    async fn step(&mut self) {
        self.app.advance(Duration::from_millis(500));
        let a_moment = Duration::from_millis(20);
        while let Ok(seen) = tokio::time::timeout(a_moment, self.observations.next()).await {
            self.app.control_plane.observe(self.observer, seen.unwrap()).await.unwrap();
        }
        while self.app.control_plane.run_next_task().await.unwrap() {}
    }

    /// Steps until all run; answers with how many seconds that took.
    async fn until_all_run(&mut self, count: usize) -> f64 {
        for steps in 0..2000 {
            if self.running().await == count as i64 {
                return f64::from(steps) / 2.0;
            }
            self.step().await;
        }
        panic!("only {} of {count} run", self.running().await);
    }

    async fn running(&self) -> i64 {
        let status = Some(vec![InstanceStatus::Running]);
        let filter = InstanceFilter { status, ..InstanceFilter::default() };
        let mut reader = self.app.store.read().await.unwrap();
        reader.instances(&filter, &counted()).await.unwrap().total.unwrap()
    }

    /// How many workflows have failed.
    async fn failed(&self) -> i64 {
        let status = Some(vec![WorkflowStatus::Failed]);
        let filter = WorkflowFilter { status, ..WorkflowFilter::default() };
        let mut reader = self.app.store.read().await.unwrap();
        reader.workflows(&filter, &counted()).await.unwrap().total.unwrap()
    }

    /// How many calls of these have reached the cluster. An apply that makes an object is one.
    fn calls(&self, counts: impl Fn(&Access) -> bool) -> u64 {
        let all = self.app.cluster.accesses().into_iter();
        all.filter(|(access, _)| access.verb != "create" && counts(access)).map(|(_, n)| n).sum()
    }

    async fn count(&self, kind: &str) -> usize {
        let prefix = format!("{kind} ");
        self.app.standing().await.iter().filter(|name| name.starts_with(&prefix)).count()
    }
}

/// A page that is asked for its total alone.
fn counted() -> PageRequest {
    PageRequest { first: 1, count: true, ..PageRequest::all() }
}

fn instances(few: usize) -> usize {
    env::var("SLIPWAY_TEST_INSTANCES").map_or(few, |count| count.parse().unwrap())
}

fn is_write(access: &Access) -> bool {
    !matches!(access.verb.as_str(), "get" | "list" | "watch")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_at_once_cost_few_calls_and_then_none() {
    let mut work = AtWork::new().await;
    let count = instances(40);
    work.buy(count).await;

    let seconds = work.until_all_run(count).await;
    let calls = work.calls(|_| true);
    let written = work.calls(is_write);
    // Ten minutes.
    for _ in 0..60 {
        work.app.advance(Duration::from_millis(9_500));
        work.step().await;
    }

    eprintln!("{count} instances ran after {seconds} s, with {calls} calls");
    assert!(calls <= 12 * count as u64, "{calls} calls for {count} instances");
    assert_eq!(work.calls(is_write), written, "nothing is written at rest");
    for kind in ["Deployment", "ReplicaSet", "Pod", "Service", "Ingress"] {
        assert_eq!(work.count(kind).await, count, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_instances_converge_although_calls_fail_and_changes_are_lost() {
    let mut work = AtWork::new().await;
    let count = instances(20);
    let ways =
        [Fault::Status(503, None), Fault::Status(429, None), Fault::Timeout, Fault::LostAnswer];
    work.app.cluster.faults().fail_at_rate(0.2, 7, &ways);
    work.app.cluster.faults().lose_changes(3);
    work.buy(count).await;

    for _ in 0..10 {
        work.step().await;
    }
    work.app.cluster.faults().clear();
    let seconds = work.until_all_run(count).await;

    eprintln!("{count} instances ran {seconds} s after the faults had ended");
    assert!(seconds <= 30.0, "{seconds} s");
    for kind in ["Deployment", "Pod", "Service", "Ingress"] {
        assert_eq!(work.count(kind).await, count, "{kind}");
    }
    assert_eq!(work.failed().await, 0);
}
