use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    delivery::{Kubeconfig, Site, Sites},
    ids::InstanceId,
    runtime::{
        LogPosition, Observation, Part, Place, PodLogLine, PodName, Rollout, Runtime, Target,
        Workload,
    },
    secrets::SecretValues,
};
use futures::{StreamExt, stream::BoxStream};

use super::turns::Turns;

/// One call in so many goes wrong, before or after it has had its effect.
const FAULT_ONE_IN: u32 = 6;

/// As much of a cluster as tasks see. An actor waits for its turn before a call and before its
/// answer.
pub struct Cluster {
    turns: Turns,
    state: Mutex<State>,
}

struct State {
    objects: BTreeMap<InstanceId, BTreeSet<String>>,
    random: fastrand::Rng,
    faulty: bool,
}

impl Cluster {
    pub fn new(turns: Turns, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        let state = State { objects: BTreeMap::new(), random, faulty: true };
        Self { turns, state: Mutex::new(state) }
    }

    pub fn heal(&self) {
        self.state.lock().unwrap().faulty = false;
    }

    pub fn objects(&self, instance: InstanceId) -> BTreeSet<String> {
        self.state.lock().unwrap().objects.get(&instance).cloned().unwrap_or_default()
    }

    async fn call<T>(&self, effect: impl FnOnce(&mut State) -> T) -> Result<T> {
        self.turns.wait("call").await;
        self.fail()?;
        let answer = effect(&mut self.state.lock().unwrap());
        self.turns.wait("answer").await;
        self.fail()?;
        Ok(answer)
    }

    fn fail(&self) -> Result<()> {
        let mut state = self.state.lock().unwrap();
        match state.faulty && state.random.u32(0..FAULT_ONE_IN) == 0 {
            true => Err(Error::unavailable("the cluster", "it is one of those calls")),
            false => Ok(()),
        }
    }
}

/// Nothing is delivered here.
#[async_trait]
impl Sites for Cluster {
    async fn site(&self, _: Option<&Kubeconfig>) -> Result<Arc<dyn Site>> {
        Err(Error::internal("nothing is delivered here"))
    }

    fn check(&self, _: &Kubeconfig) -> Result<String> {
        Err(Error::internal("nothing is delivered here"))
    }
}

#[async_trait]
impl Runtime for Cluster {
    fn target(&self) -> Target {
        Target { name: "turns".to_owned(), simulated: true }
    }

    async fn apply(&self, workload: &Workload, part: Part) -> Result<()> {
        let instance = workload.place.instance_id;
        self.call(|state| state.objects.entry(instance).or_default().insert(format!("{part:?}")))
            .await
            .map(drop)
    }

    async fn apply_secret(&self, _: &Workload, _: &SecretValues) -> Result<()> {
        self.call(|_| ()).await
    }

    async fn remove_secret(&self, _: &Place) -> Result<()> {
        self.call(|_| ()).await
    }

    async fn rollout(&self, place: &Place) -> Result<Option<Rollout>> {
        let id = place.instance_id;
        self.call(|state| {
            let there = state.objects.get(&id).is_some_and(|it| it.contains("Deployment"));
            let complete = !state.faulty || state.random.bool();
            let ready = i32::from(complete);
            there.then_some(Rollout { complete, ready, wanted: 1, trouble: None })
        })
        .await
    }

    async fn remove(&self, place: &Place) -> Result<()> {
        self.call(|state| state.objects.remove(&place.instance_id)).await.map(drop)
    }

    async fn remains(&self, place: &Place) -> Result<Vec<String>> {
        let id = place.instance_id;
        self.call(|state| state.objects.get(&id).into_iter().flatten().cloned().collect()).await
    }

    async fn drift(&self, _: &Workload) -> Result<Vec<String>> {
        self.call(|_| Vec::new()).await
    }

    async fn log(&self, _: &PodName, _: i64) -> Result<Option<String>> {
        self.call(|_| None).await
    }

    fn follow_log(
        &self,
        _: &PodName,
        _: Option<LogPosition>,
    ) -> BoxStream<'static, Result<PodLogLine>> {
        futures::stream::empty().boxed()
    }

    fn watch(&self) -> BoxStream<'static, Observation> {
        futures::stream::pending().boxed()
    }
}
