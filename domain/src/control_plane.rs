use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use jiff::SignedDuration;

use crate::{
    clusters::{DevProvider, PortRules, SearchRuntime},
    commerce::OrderQuestion,
    delivery::Sites,
    error::Result,
    events::{Bus, Cursor},
    identity::{Actor, Caller, GuessLimits, PasswordHasher, Throttle, TokenIssuer},
    instances::Mirror,
    quota::QuotaLimits,
    runtime::{Runtime, Target},
    secrets::Vault,
    store::{PoolUse, Session, Store},
    work::{Entity, Work},
    workflows::{Workflow, WorkflowCaps},
};

/// Slipway's use cases: inherent methods, spread over the contexts' `service.rs` files.
pub struct ControlPlane {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
    pub(crate) throttle: Throttle,
}

/// The outside, as the domain sees it.
pub struct Ports {
    pub store: Arc<dyn Store>,
    pub runtime: Arc<dyn Runtime>,
    pub search: Arc<dyn SearchRuntime>,
    pub dev: Arc<dyn DevProvider>,
    pub sites: Arc<dyn Sites>,
    pub bus: Arc<dyn Bus>,
    pub mirror: Arc<dyn Mirror>,
    pub passwords: Arc<dyn PasswordHasher>,
    pub tokens: Arc<dyn TokenIssuer>,
    pub vault: Arc<dyn Vault>,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// What the host names of instances end in.
    pub ingress_domain: String,
    /// Whether instances are served by TLS.
    pub ingress_tls: bool,
    /// How long a task may take from its first start.
    pub task_deadline: SignedDuration,
    /// How long building or testing an application may take.
    pub job_deadline: SignedDuration,
    /// Where images are pushed to, such as `registry.example.com/slipway`.
    pub registry: String,
    /// How long a worker owns a task before another may take it over.
    pub task_lease: SignedDuration,
    pub workflow_caps: WorkflowCaps,
    /// How long events are kept.
    pub event_retention: SignedDuration,
    /// How often passwords may be guessed.
    pub guess_limits: GuessLimits,
    /// What tenants may have for whom nothing else has been set.
    pub quota_defaults: QuotaLimits,
    /// What new search clusters run.
    pub search_image: String,
    /// The addresses whose ports development clusters may have; the first where none is named.
    pub dev_hosts: Vec<Ipv4Addr>,
    /// How development clusters get their ports.
    pub port_rules: PortRules,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ingress_domain: "slipway.localhost".to_owned(),
            ingress_tls: false,
            task_deadline: SignedDuration::from_mins(5),
            job_deadline: SignedDuration::from_mins(30),
            registry: "registry.slipway.localhost".to_owned(),
            task_lease: SignedDuration::from_secs(30),
            workflow_caps: WorkflowCaps::default(),
            event_retention: SignedDuration::from_hours(30 * 24),
            guess_limits: GuessLimits::default(),
            quota_defaults: QuotaLimits::default(),
            search_image: "elasticsearch:8.17.0".to_owned(),
            dev_hosts: vec![Ipv4Addr::LOCALHOST],
            port_rules: PortRules::default(),
        }
    }
}

/// Who calls, for which request, and under which idempotency key.
#[derive(Clone, Debug)]
pub struct Call {
    pub caller: Caller,
    /// Where it comes from: an address that stands for its network, where that is one client's.
    pub address: Option<IpAddr>,
    pub request_id: Option<String>,
    pub idempotency: Option<Idempotency>,
}

#[derive(Clone, Debug)]
pub struct Idempotency {
    /// As the client chose it; 1 to 255 characters.
    pub key: String,
    /// Keyed hashes of the mutation and its input, by each key that is accepted. The first is what
    /// is recorded.
    pub fingerprints: Vec<String>,
}

/// What a mutation came to.
#[derive(Clone, Debug)]
pub struct Committed<T> {
    /// The safe position just before the effect.
    pub cursor: Cursor,
    /// Whether an earlier call with the same idempotency key had the effect.
    pub replayed: bool,
    pub entity: T,
    /// The workflow that the mutation started.
    pub workflow: Option<Workflow>,
}

impl Call {
    pub fn actor(&self) -> Result<&Actor> {
        self.caller.actor()
    }
}

impl ControlPlane {
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self { ports, settings, throttle: Throttle::default() }
    }

    /// The safe head of the log: resume from it and nothing unseen is missed.
    pub async fn cursor(&self) -> Result<Cursor> {
        self.ports.store.safe_head().await.map(Cursor)
    }

    /// Whether the store answers.
    pub async fn ready(&self) -> Result<()> {
        self.cursor().await.map(drop)
    }

    /// Grows whenever a caller may be let in no more, or with other rights, by what this process
    /// has done.
    pub fn caller_changes(&self) -> u64 {
        self.ports.store.caller_changes()
    }

    /// How the store's connections are used.
    pub fn store_pools(&self) -> Vec<PoolUse> {
        self.ports.store.pools()
    }

    /// The clusters that workloads run in, with whether the watch on each works.
    pub async fn targets(&self) -> Result<Vec<(Target, bool)>> {
        let target = self.ports.runtime.target();
        let connected = self.reader().await?.target_connected(&target.name).await?;
        Ok(vec![(target, connected)])
    }

    /// Yields when something may have been committed, here or in another process.
    pub fn wake_ups(&self) -> futures::stream::BoxStream<'static, ()> {
        self.ports.bus.listen()
    }

    pub(crate) async fn reader(&self) -> Result<Box<dyn Session>> {
        self.ports.store.read().await
    }

    /// Runs one mutation: replay of its idempotency key, the decision, events, the key's record
    /// and the commit are one transaction; the wake-up follows. A refusal leaves nothing.
    pub(crate) async fn execute<T, F>(&self, call: &Call, decide: F) -> Result<Committed<T>>
    where
        T: Entity,
        F: AsyncFnOnce(&mut Work) -> Result<T>,
    {
        self.execute_with(call, None, decide).await
    }

    /// The same where it is about an order to be placed: what that rests on is looked up while the
    /// transaction begins.
    pub(crate) async fn execute_with<T, F>(
        &self,
        call: &Call,
        order: Option<&OrderQuestion>,
        decide: F,
    ) -> Result<Committed<T>>
    where
        T: Entity,
        F: AsyncFnOnce(&mut Work) -> Result<T>,
    {
        let cursor = self.cursor().await?;
        let mut work = self.begin(call, order).await?;
        match self.decided(&mut work, call, cursor, decide).await {
            // Nothing has changed, but what was read of others' has to last before it is told.
            Ok(committed) if committed.replayed => {
                work.commit().await?;
                Ok(committed)
            }
            Ok(committed) => {
                work.commit().await?;
                self.ports.bus.wake().await;
                Ok(committed)
            }
            Err(refusal) => {
                work.roll_back().await;
                Err(refusal)
            }
        }
    }

    /// Decides like [`ControlPlane::execute`], and leaves nothing of it.
    pub(crate) async fn rehearse<T, F>(&self, call: &Call, decide: F) -> Result<Committed<T>>
    where
        F: AsyncFnOnce(&mut Work) -> Result<T>,
    {
        let cursor = self.cursor().await?;
        let mut work = self.begin(call, None).await?;
        let decided = decide(&mut work).await;
        work.roll_back().await;
        Ok(Committed { cursor, replayed: false, entity: decided?, workflow: None })
    }

    async fn begin(&self, call: &Call, order: Option<&OrderQuestion>) -> Result<Work> {
        Work::begin(&*self.ports.store, call, order, self.settings.quota_defaults).await
    }

    async fn decided<T, F>(
        &self,
        work: &mut Work,
        call: &Call,
        cursor: Cursor,
        decide: F,
    ) -> Result<Committed<T>>
    where
        T: Entity,
        F: AsyncFnOnce(&mut Work) -> Result<T>,
    {
        if let Some(earlier) = work.claim_key(call).await? {
            return work.replay(earlier).await;
        }
        let entity = decide(work).await?;
        work.refuse_shortfalls()?;
        let workflow = work.take_started();
        work.settle_key(call, &entity, workflow.as_ref(), cursor).await?;
        Ok(Committed { cursor, replayed: false, entity, workflow })
    }

    /// Runs what the system itself does: observations, claims and their outcomes. `None` from
    /// `decide` leaves nothing behind.
    pub(crate) async fn maintain<T, F>(&self, cause: Option<String>, decide: F) -> Result<Option<T>>
    where
        F: AsyncFnOnce(&mut Work) -> Result<Option<T>>,
    {
        let mut work = Work::system(self.ports.store.write().await?, cause);
        match decide(&mut work).await {
            Ok(Some(outcome)) => {
                work.commit().await?;
                self.ports.bus.wake().await;
                Ok(Some(outcome))
            }
            Ok(None) => {
                work.roll_back().await;
                Ok(None)
            }
            Err(error) => {
                work.roll_back().await;
                Err(error)
            }
        }
    }
}
