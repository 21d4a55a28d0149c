//! Sixty-four who race for the last places of a quota, while some of what they make fails, some is
//! deleted again, and workers die with tasks in their hands.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::{
    events::{EventFilter, EventType},
    store::Store,
};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    quota::{Line, at_most, limit, line, order},
    support::{Client, TestApp},
};

const RACERS: usize = 64;
const INSTANCES: i64 = 10;
const CLUSTERS: i64 = 4;

/// Who wants something of a tenant's: an instance, or every fourth of them a cluster.
struct Racer<'a> {
    number: usize,
    client: &'a Client,
    order: Option<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_exact_in_a_race_of_sixty_four_with_failures_deletions_and_crashes() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (good, bad) = (root.create_product("web:1").await, root.create_product("crash:1").await);
    let tenant = ada.personal_tenant().await;
    let limits = json!([at_most("INSTANCES", INSTANCES), at_most("CLUSTERS", CLUSTERS)]);
    limit(&root, &tenant, &limits).await.ok();
    let mut racers = Vec::new();
    for number in 0..RACERS {
        let mut racer = Racer { number, client: &ada, order: None };
        if !racer.wants_a_cluster() {
            let product = if racer.fails() { &bad } else { &good };
            racer.order = Some(order(&ada, product, &racer.name()).await);
        }
        racers.push(racer);
    }
    let over = AtomicBool::new(false);
    let raced = async {
        join_all(racers.iter().map(Racer::race)).await;
        over.store(true, Ordering::Relaxed);
    };

    futures::join!(raced, work(&app, &over), watch(&ada, &tenant, &over));
    app.run_tasks().await;

    let kept = |clusters: bool| {
        let kept = racers.iter().filter(|it| it.keeps() && it.wants_a_cluster() == clusters);
        i64::try_from(kept.count()).unwrap()
    };
    let (instances, clusters) = (kept(false), kept(true));
    assert_eq!((instances, clusters), (5, 3));
    let full = |limit: i64, used: i64| -> Line { (Some(limit), used, 0, Some(limit - used)) };
    assert_eq!(line(&ada, &tenant, "INSTANCES").await, full(INSTANCES, instances));
    assert_eq!(line(&ada, &tenant, "CLUSTERS").await, full(CLUSTERS, clusters));
    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (None, 250 * instances, 0, None));
    assert_eq!(line(&ada, &tenant, "RUNNING_WORKFLOWS").await, (None, 0, 0, None));
    walk_the_log(&app, instances, clusters).await;
}

impl Racer<'_> {
    fn wants_a_cluster(&self) -> bool {
        self.number % 4 == 3
    }

    fn fails(&self) -> bool {
        self.number.is_multiple_of(3)
    }

    /// Fewer than the limits, so that everybody's turn comes.
    fn keeps(&self) -> bool {
        !self.fails() && (self.number % 8 == 4 || self.number % 16 == 7)
    }

    fn name(&self) -> String {
        let kind = if self.wants_a_cluster() && self.fails() { "nocreate" } else { "it" };
        format!("{kind}-{}", self.number)
    }

    async fn race(&self) {
        let (thing, delete) = match &self.order {
            Some(order) => (self.pay(order).await, "deleteInstance"),
            None => (self.create().await, "deleteCluster"),
        };
        let made = self.wait(&thing, &["RUNNING", "FAILED"]).await;
        assert_eq!(made, if self.fails() { "FAILED" } else { "RUNNING" }, "{}", self.name());
        if !self.fails() && !self.keeps() {
            let document = format!("mutation($id: ID!) {{ {delete}(id: $id) {{ cursor }} }}");
            self.client.send(&document, json!({ "id": thing })).await.ok();
            self.wait(&thing, &["DELETED"]).await;
        }
    }

    async fn pay(&self, order: &str) -> String {
        let document = "mutation($id: ID!) { payOrder(id: $id) { order { instance { id } } } }";
        let paid = self.insist(document, json!({ "id": order })).await;
        paid["payOrder"]["order"]["instance"]["id"].as_str().unwrap().to_owned()
    }

    async fn create(&self) -> String {
        let document = "mutation($input: CreateDevClusterInput!) {
            createDevCluster(input: $input) { cluster { id } } }";
        let input = json!({ "name": self.name(), "provider": "K3D" });
        let made = self.insist(document, json!({ "input": input })).await;
        made["createDevCluster"]["cluster"]["id"].as_str().unwrap().to_owned()
    }

    /// Tries until there is room.
    async fn insist(&self, document: &str, variables: Value) -> Value {
        loop {
            let reply = self.client.send(document, variables.clone()).await;
            if reply.code() != "QUOTA_EXCEEDED" {
                return reply.ok();
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a thing has one of these statuses.
    async fn wait(&self, id: &str, ends: &[&str]) -> String {
        let document = "query($id: ID!) { node(id: $id) {
            ... on Instance { instance: status } ... on DevCluster { cluster: status } } }";
        loop {
            let shown = self.client.send(document, json!({ "id": id })).await.ok();
            let status = shown["node"].as_object().unwrap().values().next().unwrap();
            if let Some(end) = ends.iter().find(|end| status == **end) {
                return (*end).to_owned();
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Runs tasks, and lets the time go on while none is due. Every sixteenth time the worker dies with
/// a task in its hands, and another takes it over when its lease has run out.
async fn work(app: &TestApp, over: &AtomicBool) {
    for turn in 1.. {
        match app.control_plane.claim_task().await.unwrap() {
            Some(_) if turn % 16 == 0 => {}
            Some(claim) => app.control_plane.run_claimed(claim).await.unwrap(),
            None if over.load(Ordering::Relaxed) => return,
            None => app.advance(Duration::from_secs(1)),
        }
    }
}

/// What is shown meanwhile is never beyond the limits.
async fn watch(client: &Client, tenant: &str, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        for (dimension, most) in [("INSTANCES", INSTANCES), ("CLUSTERS", CLUSTERS)] {
            let (_, used, reserved, _) = line(client, tenant, dimension).await;
            assert!(used + reserved <= most, "{used} and {reserved} of {most} {dimension}");
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Commit by commit, never more than the limits are alive.
async fn walk_the_log(app: &TestApp, instances: i64, clusters: i64) {
    let head = app.store.safe_head().await.unwrap();
    let mut reader = app.store.read().await.unwrap();
    let events = reader.events_after(0, head, &EventFilter::default(), usize::MAX).await.unwrap();
    let (mut alive, mut most) = (HashSet::new(), [0, 0]);
    for event in events {
        let id = event.subject.id;
        let kind = match id.split_once('_').unwrap().0 {
            "inst" if event.event_type != EventType::InstanceK8sSync => 0,
            "clu" => 1,
            _ => continue,
        };
        match event.data["releasedAt"].is_string() {
            true => alive.remove(&(kind, id)),
            false => alive.insert((kind, id)),
        };
        let count = alive.iter().filter(|(of, _)| *of == kind).count();
        most[kind] = most[kind].max(i64::try_from(count).unwrap());
    }
    let left = |kind: usize| alive.iter().filter(|(of, _)| *of == kind).count();
    assert_eq!(most, [INSTANCES, CLUSTERS], "all of it was taken, and no more");
    assert_eq!([left(0), left(1)].map(|it| i64::try_from(it).unwrap()), [instances, clusters]);
}
