use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use api::{
    auth::Signer, dev_clusters::SimulatedProvider, keys::TokenKey, passwords::Argon2Hasher,
    vault::AesVault,
};
use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use domain::{
    ControlPlane, Ports, Settings,
    clusters::SearchRuntime,
    commerce::{ComputeSpec, NewProduct, ProductFilter},
    control_plane::Call,
    events::EventFilter,
    identity::{Actor as Person, Caller, Credential, Registration},
    page::PageRequest,
    runtime::Target,
    store::Store,
    workflows::{TaskFilter, TaskStatus},
};
use jiff::{SignedDuration, Timestamp};
use kubernetes::KubernetesRuntime;
use persistence::{CommitMoment, LocalBus, MemoryMirror, SqlStore};
use serde_json::json;

use super::{
    actors::{Bug, Outsiders, Process, Purchase},
    cluster::Cluster,
    turns::{End, Life, TurnTaking, Turns},
};
use crate::{
    proof::{Findings, Verdict, judge_log},
    support::{KEY, TestClock},
};

const PROCESSES: usize = 2;
const WORKERS: usize = 2;
const PURCHASES: usize = 3;
/// In seconds; a step of time may be longer, so that all who are at work lose their tasks.
const LEASE: u64 = 30;
/// So many steps go as the seed says; then nothing dies any more, and all has to come to its end.
const STEPS: usize = 400;
const MOST_STEPS: usize = 4_000;
/// 2030, which is the same in each run.
const START: i64 = 1_900_000_000;
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// What came of a seed.
pub struct Outcome {
    pub seed: u64,
    pub steps: Vec<String>,
    pub findings: Findings,
}

struct Actor {
    name: String,
    process: usize,
    life: Option<Life>,
}

struct Run {
    random: fastrand::Rng,
    bug: Option<Bug>,
    turns: Turns,
    clock: TestClock,
    cluster: Arc<Cluster>,
    store: Arc<SqlStore>,
    outsiders: Arc<Mutex<Outsiders>>,
    actors: Vec<Actor>,
    /// A process that stands still, and up to which step.
    stopped: Option<(usize, usize)>,
    steps: Vec<String>,
    /// The database lives as long as a connection does.
    _memory: SqliteConnection,
}

pub async fn run(seed: u64, bug: Option<Bug>) -> Outcome {
    let mut run = Run::new(seed, bug).await;
    for _ in 0..STEPS {
        run.step().await;
    }
    run.come_to_an_end().await;
    let findings = run.judge().await;
    Outcome { seed, steps: run.steps, findings }
}

impl Run {
    async fn new(seed: u64, bug: Option<Bug>) -> Self {
        let path = format!("file:/interleaving-{}?vfs=memdb", RUNS.fetch_add(1, Relaxed));
        let mut memory = SqliteConnection::establish(&path).unwrap();
        let clock = TestClock::at(Timestamp::from_second(START).unwrap());
        let turns = Turns::default();
        let dying = turns.clone();
        let url = format!("sqlite://{path}");
        let store = SqlStore::open(&url, Some(Arc::new(clock.clone())));
        let store = Arc::new(
            store.await.unwrap().with_commit_hook(Arc::new(move |moment| dying.commit(moment))),
        );
        if bug == Some(Bug::NoRequeue) {
            memory.batch_execute(NEVER_AGAIN).unwrap();
        }
        let cluster = Arc::new(Cluster::new(turns.clone(), seed));
        let outsiders = Arc::new(Mutex::new(outsiders(&store, &cluster).await));
        let mut run = Self {
            random: fastrand::Rng::with_seed(seed),
            bug,
            turns,
            clock,
            cluster,
            store,
            outsiders,
            actors: Vec::new(),
            stopped: None,
            steps: Vec::new(),
            _memory: memory,
        };
        (0..PROCESSES).for_each(|process| run.start(process));
        run
    }

    fn start(&mut self, number: usize) {
        let store = TurnTaking { store: self.store.clone(), turns: self.turns.clone() };
        let process = Process {
            control_plane: Arc::new(control_plane(Arc::new(store), &self.cluster)),
            store: self.store.clone(),
            turns: self.turns.clone(),
            outsiders: self.outsiders.clone(),
            bug: self.bug,
        };
        let mut actor = |name: String, life| {
            self.actors.push(Actor { name, process: number, life: Some(life) });
        };
        for client in (0..PURCHASES).filter(|client| client % PROCESSES == number) {
            actor(format!("client {client}"), process.clone().client(client));
        }
        for worker in 0..WORKERS {
            actor(format!("worker {number}.{worker}"), process.clone().worker());
        }
        actor(format!("reader {number}"), process.reader(number));
    }

    async fn step(&mut self) {
        match self.random.u32(0..100) {
            0..2 => {
                let process = self.random.usize(0..PROCESSES);
                self.die(process);
            }
            2..4 => {
                let moments = [CommitMoment::Before, CommitMoment::After];
                let moment = *self.random.choice(&moments).unwrap();
                self.steps.push(format!("the next to commit dies: {moment:?}"));
                self.turns.kill_at_commit(Some(moment));
            }
            4..6 => {
                let (process, steps) = (self.random.usize(0..PROCESSES), self.random.usize(20..80));
                self.steps.push(format!("process {process} stands still for {steps} steps"));
                self.stopped = Some((process, self.steps.len() + steps));
            }
            6..12 => {
                let seconds = self.random.u64(1..LEASE + LEASE / 2);
                self.pass(seconds);
            }
            _ => self.give_a_turn().await,
        }
    }

    async fn give_a_turn(&mut self) {
        let stopped = self.stopped.filter(|(_, until)| self.steps.len() < *until);
        let goes_on = |actor: &Actor| {
            actor.life.is_some() && stopped.is_none_or(|(process, _)| actor.process != process)
        };
        let living: Vec<usize> =
            (0..self.actors.len()).filter(|at| goes_on(&self.actors[*at])).collect();
        let actor = &mut self.actors[*self.random.choice(&living).unwrap()];
        let (name, process) = (actor.name.clone(), actor.process);
        let mut life = actor.life.take().unwrap();
        match self.turns.give(&mut life).await {
            End::At(at) => {
                actor.life = Some(life);
                self.steps.push(format!("{name}, up to {at}"));
            }
            End::Done => self.steps.push(format!("{name} is done")),
            End::Killed => {
                self.steps.push(format!("{name} commits"));
                self.die(process);
            }
        }
    }

    /// As `kill -9` does; the process starts anew.
    fn die(&mut self, process: usize) {
        self.steps.push(format!("process {process} dies"));
        self.actors.retain(|actor| actor.process != process);
        self.start(process);
    }

    fn pass(&mut self, seconds: u64) {
        self.steps.push(format!("{seconds} s pass"));
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn come_to_an_end(&mut self) {
        self.turns.kill_at_commit(None);
        self.stopped = None;
        self.cluster.heal();
        self.steps.push("from here on all goes well".to_owned());
        while self.steps.len() < MOST_STEPS {
            for _ in 0..50 {
                self.give_a_turn().await;
            }
            if self.is_over().await {
                return;
            }
            self.pass(5);
        }
    }

    async fn is_over(&self) -> bool {
        let head = self.store.safe_head().await.unwrap();
        {
            let outsiders = self.outsiders.lock().unwrap();
            let read = outsiders.seen.iter().all(|seen| seen.last() == Some(&head));
            if !read || !outsiders.purchases.iter().all(Purchase::is_done) {
                return false;
            }
        }
        self.live_tasks().await.is_empty()
    }

    async fn live_tasks(&self) -> Vec<String> {
        let status = Some(vec![TaskStatus::Pending, TaskStatus::Running]);
        let filter = TaskFilter { status, ..TaskFilter::default() };
        let page = self.store.read().await.unwrap().tasks(&filter, &PageRequest::all()).await;
        page.unwrap().items.into_iter().map(|task| task.name).collect()
    }

    async fn judge(&self) -> Findings {
        let mut findings = Findings::default();
        for task in self.live_tasks().await {
            findings.add(Verdict::Stuck, task);
        }
        let head = self.store.safe_head().await.unwrap();
        let mut reader = self.store.read().await.unwrap();
        let log = reader.events_after(0, head, &EventFilter::default(), usize::MAX).await.unwrap();
        let log: Vec<i64> = log.iter().map(|event| event.position).collect();
        let statuses = self.judge_purchases(&mut findings).await;
        judge_log(&self.store, head, &statuses, &mut findings).await;
        let outsiders = self.outsiders.lock().unwrap();
        for oddity in &outsiders.oddities {
            findings.add(Verdict::ExecutedTwice, oddity);
        }
        for seen in outsiders.seen.iter().filter(|seen| **seen != log) {
            findings.add(Verdict::Lost, format!("a reader has seen {seen:?} of {log:?}"));
        }
        findings
    }

    /// Answers with the status of each order and instance.
    async fn judge_purchases(&self, findings: &mut Findings) -> HashMap<String, String> {
        let purchases = self.outsiders.lock().unwrap().purchases.clone();
        let mut statuses = HashMap::new();
        for (number, purchase) in purchases.iter().enumerate() {
            let Some(id) = purchase.order else {
                findings.add(Verdict::Stuck, format!("purchase {number} was never answered"));
                continue;
            };
            let mut reader = self.store.read().await.unwrap();
            let order = reader.orders_by_id(&[id]).await.unwrap().pop();
            let Some(order) = order.filter(|order| order.instance_id.is_some()) else {
                findings.add(Verdict::Lost, format!("the payment of purchase {number}"));
                continue;
            };
            let instance = reader.instances_by_id(&[order.instance_id.unwrap()]).await.unwrap();
            let instance = instance.into_iter().next().unwrap();
            let expected = if purchase.unwanted { "DELETED" } else { "RUNNING" };
            if instance.status.as_str() != expected {
                let status = instance.status.as_str();
                findings.add(Verdict::Stuck, format!("instance {number} is {status}"));
            }
            if !purchase.unwanted && self.cluster.objects(instance.id).len() != 4 {
                findings.add(Verdict::MissingObject, format!("of instance {number}"));
            }
            statuses.insert(id.to_string(), order.status.as_str().to_owned());
            statuses.insert(instance.id.to_string(), instance.status.as_str().to_owned());
        }
        statuses
    }
}

/// A store that forgets when a lease runs out.
const NEVER_AGAIN: &str = "CREATE TRIGGER never_again AFTER UPDATE ON tasks WHEN NEW.leased = 1
    BEGIN UPDATE tasks SET ready_at = 9000000000000000 WHERE id = NEW.id; END";

fn control_plane(store: Arc<dyn Store>, cluster: &Arc<Cluster>) -> ControlPlane {
    let key = TokenKey::new(KEY).unwrap();
    let ports = Ports {
        store,
        runtime: cluster.clone(),
        search: no_cluster(),
        dev: Arc::new(SimulatedProvider::default()),
        sites: cluster.clone(),
        bus: Arc::new(LocalBus::new()),
        mirror: Arc::new(MemoryMirror::default()),
        passwords: Arc::new(Argon2Hasher::new().unwrap()),
        tokens: Arc::new(Signer::new(&key)),
        vault: Arc::new(AesVault::new(Some(&key)).unwrap()),
    };
    let settings = Settings {
        task_lease: SignedDuration::from_secs(i64::try_from(LEASE).unwrap()),
        // Nothing is given up for want of time.
        task_deadline: SignedDuration::from_hours(24),
        ..Settings::default()
    };
    ControlPlane::new(ports, settings)
}

/// Where search clusters would be, which these runs have none of.
fn no_cluster() -> Arc<dyn SearchRuntime> {
    let cluster = simulator::Cluster::new(simulator::Clock::system());
    let client = kube::Client::new(cluster.router(), "default");
    let target = Target { name: "none".to_owned(), simulated: true };
    Arc::new(KubernetesRuntime::new(client, target))
}

/// An account, and a product for it to buy.
async fn outsiders(store: &Arc<SqlStore>, cluster: &Arc<Cluster>) -> Outsiders {
    let control_plane = control_plane(store.clone(), cluster);
    let call =
        Call { caller: Caller::Anonymous, address: None, request_id: None, idempotency: None };
    let registration = Registration {
        email: "ada@example.com".to_owned(),
        password: "correct horse".to_owned(),
        nickname: "Ada".to_owned(),
    };
    let registered = control_plane.register(&call, registration).await.unwrap();
    let spec = ComputeSpec {
        cpu_millis: 250,
        memory_mib: 128,
        gpu: None,
        image: "web:1".to_owned(),
        config: json!({}),
    };
    let product = NewProduct { name: "Small".to_owned(), description: None, spec, price: 5 };
    control_plane.seed_products(vec![product]).await.unwrap();
    let mut reader = store.read().await.unwrap();
    let user = registered.committed.entity;
    let account = reader.account(user.id).await.unwrap().unwrap();
    let products = reader.products(&ProductFilter::default(), &PageRequest::all()).await.unwrap();
    Outsiders {
        caller: Caller::User(Arc::new(Person {
            user,
            memberships: Vec::new(),
            home: Some(account.tenants[0].id),
            credential: Credential::Login(registered.tokens.session_id),
        })),
        product: products.items[0].id,
        purchases: (0..PURCHASES)
            .map(|number| Purchase { unwanted: number % 2 == 1, ..Purchase::default() })
            .collect(),
        seen: vec![Vec::new(); PROCESSES],
        oddities: Vec::new(),
    }
}
