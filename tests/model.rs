//! Random commands, crashes and faults, and what the log then says: only listed transitions, each
//! from where the last one had led, and one end. A seed repeats its run; `SLIPWAY_TEST_SEEDS=N`
//! tries more of them.

use std::{collections::HashMap, env, time::Duration};

use domain::{
    commerce::{OrderAction, OrderStatus},
    events::{EventFilter, EventType},
    instances::{InstanceAction, InstanceStatus},
    store::Store,
    workflows::TaskStatus,
};
use serde_json::{Value, json};
use simulator::{Calls, Fault};

use crate::support::{Client, TestApp};

const STEPS: usize = 60;
const SEEDS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn random_commands_crashes_and_faults_take_listed_transitions_alone() {
    let seeds = env::var("SLIPWAY_TEST_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        let mut run = Run::new(seed).await;
        for _ in 0..STEPS {
            run.step().await;
        }
        run.settle().await;
        run.judge().await;
    }
}

struct Run {
    seed: u64,
    random: fastrand::Rng,
    app: TestApp,
    ada: Client,
    product: String,
    instances: Vec<String>,
    workflows: Vec<String>,
}

impl Run {
    async fn new(seed: u64) -> Self {
        let app = TestApp::new().await;
        let product = app.admin().await.create_product("web:1").await;
        let ada = app.user("ada").await;
        let random = fastrand::Rng::with_seed(seed);
        Self { seed, random, app, ada, product, instances: Vec::new(), workflows: Vec::new() }
    }

    /// One thing of what people, workers and clusters do, whether or not it is allowed just now.
    async fn step(&mut self) {
        match self.random.u32(0..20) {
            0..3 => self.buy().await,
            3..8 => self.command().await,
            8 => self.of_a_workflow("cancelWorkflow(id: $id)").await,
            9 => self.of_a_workflow("retryFailedTasks(workflowId: $id)").await,
            10 => self.crash().await,
            11 => self.fault(),
            12 => self.app.observe().await,
            13 => self.app.advance(Duration::from_secs(self.random.u64(1..60))),
            _ => drop(self.app.control_plane.run_next_task().await.unwrap()),
        }
    }

    async fn buy(&mut self) {
        let name = format!("web-{}", self.random.u32(0..3));
        let placed = self.ada.place_order(&self.product, &name).await;
        let order = placed.body["data"]["placeOrder"]["order"]["id"].clone();
        if self.random.u32(0..8) == 0 {
            self.ada.cancel_order(order.as_str().unwrap_or_default()).await;
        }
        let paid = self.ada.pay_order(order.as_str().unwrap_or_default()).await;
        let paid = &paid.body["data"]["payOrder"];
        self.instances.extend(paid["order"]["instance"]["id"].as_str().map(str::to_owned));
        self.workflows.extend(paid["workflow"]["id"].as_str().map(str::to_owned));
    }

    async fn command(&mut self) {
        let Some(instance) = self.random.choice(&self.instances).cloned() else { return };
        let all = ["startInstance", "stopInstance", "restartInstance", "update", "deleteInstance"];
        let command = *self.random.choice(&all).unwrap();
        let reply = if command == "update" {
            let image = format!("web:{}", self.random.u32(1..9));
            self.ada.update_instance(&instance, json!({ "image": image })).await
        } else {
            self.ada.command(command, &instance).await
        };
        let answers = reply.body["data"].as_object().into_iter().flat_map(|data| data.values());
        let started = answers.filter_map(|answer| answer["workflow"]["id"].as_str());
        self.workflows.extend(started.map(str::to_owned));
    }

    async fn of_a_workflow(&mut self, mutation: &str) {
        let Some(workflow) = self.random.choice(&self.workflows).cloned() else { return };
        let document = format!("mutation($id: ID!) {{ {mutation} {{ workflow {{ id }} }} }}");
        self.ada.send(&document, json!({ "id": workflow })).await;
    }

    /// A worker dies with a task in its hands, before or after it has done the work.
    async fn crash(&mut self) {
        let Some(claim) = self.app.control_plane.claim_task().await.unwrap() else { return };
        self.app.advance(Duration::from_secs(31));
        if self.random.bool() {
            self.app.control_plane.run_next_task().await.unwrap();
            self.app.control_plane.run_claimed(claim).await.unwrap();
        }
    }

    fn fault(&mut self) {
        let faults = [Fault::Status(422, None), Fault::Status(500, None), Fault::LostAnswer];
        let fault = self.random.choice(&faults).unwrap().clone();
        self.app.cluster.faults().fail_matching(Calls::of("patch"), 1, fault);
    }

    async fn settle(&self) {
        self.app.cluster.faults().clear();
        self.app.run_tasks().await;
        self.app.observe().await;
        self.app.run_tasks().await;
    }

    async fn judge(&self) {
        let ends = self.walk_the_log().await;
        let mut standing = Vec::new();
        for instance in &self.instances {
            let shown = self.ada.instance(instance).await;
            let status = shown["status"].as_str().unwrap();
            assert_eq!(ends[instance], status, "seed {}", self.seed);
            assert!(
                ["RUNNING", "STOPPED", "FAILED", "DELETED"].contains(&status),
                "seed {}: {instance} ends {status}",
                self.seed
            );
            if status == "RUNNING" || status == "STOPPED" {
                standing.push(format!("Deployment {}", shown["name"].as_str().unwrap()));
            }
        }
        let found = self.app.standing().await;
        for wanted in standing {
            let copies = found.iter().filter(|name| **name == wanted).count();
            assert_eq!(copies, 1, "seed {}: {wanted} in {found:?}", self.seed);
        }
        for workflow in &self.workflows {
            let end = ends[workflow].as_str();
            assert!(["SUCCESS", "FAILED", "CANCELED"].contains(&end), "seed {}: {end}", self.seed);
        }
    }

    /// Checks each change against its table and against the one before; the last status of all.
    async fn walk_the_log(&self) -> HashMap<String, String> {
        let head = self.app.store.safe_head().await.unwrap();
        let mut reader = self.app.store.read().await.unwrap();
        let filter = EventFilter::default();
        let events = reader.events_after(0, head, &filter, usize::MAX).await.unwrap();
        let mut last: HashMap<String, String> = HashMap::new();
        for event in events {
            let Some(to) = status(event.event_type, &event.data) else { continue };
            let from = last.insert(event.subject.id.clone(), to.to_owned());
            let told = format!("seed {}: {} {from:?} -> {to}", self.seed, event.subject.id);
            if let Some(previous) = &event.previous {
                assert_eq!(from.as_ref(), Some(previous), "{told}: it says {previous}");
            }
            let Some(from) = from.filter(|from| from != to) else { continue };
            assert!(listed(&event.subject.id, &from, to), "{told}");
        }
        last
    }
}

/// The status that an event gives its subject, where it is about one.
pub fn status(event_type: EventType, data: &Value) -> Option<&str> {
    match event_type {
        EventType::InstanceK8sSync => None,
        EventType::PodAdded | EventType::PodModified | EventType::PodDeleted => None,
        _ => data["status"].as_str(),
    }
}

/// Whether a thing may go from one status to the other.
pub fn listed(id: &str, from: &str, to: &str) -> bool {
    match id.split_once('_').unwrap().0 {
        "inst" => {
            let from = InstanceStatus::parse(from).unwrap();
            let ways = InstanceAction::ALL.iter().filter_map(|action| from.next(*action));
            ways.into_iter().any(|next| next.as_str() == to)
        }
        "ord" => {
            let from = OrderStatus::parse(from).unwrap();
            let ways = OrderAction::ALL.iter().filter_map(|action| from.next(*action));
            ways.into_iter().any(|next| next.as_str() == to)
        }
        "wf" => matches!(
            (from, to),
            ("PENDING", "RUNNING" | "CANCELED")
                | ("RUNNING", "SUCCESS" | "FAILED" | "CANCELED")
                | ("FAILED", "PENDING" | "RUNNING")
        ),
        "task" => {
            let from = TaskStatus::parse(from).unwrap();
            match from {
                TaskStatus::Pending => to != "SUCCESS" && to != "FAILED",
                TaskStatus::Running => to != "SKIPPED",
                // A retry revives it.
                TaskStatus::Failed | TaskStatus::Canceled => to == "PENDING",
                TaskStatus::Success | TaskStatus::Skipped => false,
            }
        }
        _ => true,
    }
}
