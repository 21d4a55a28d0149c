//! One stream of everything of ours. The watch lives in sessions: each begins with complete lists
//! and ends at the first error, so that whatever happened in between, the next session's lists
//! make it good. A watch that the server ends in its own time is taken up where it stopped and is
//! no error.

use std::{error::Error, fmt::Debug, future, time::Duration};

use domain::runtime::{Observation, ObservedObject, Part, Pod};
use futures::{
    FutureExt, Stream, StreamExt, TryStreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::{self, Service},
    networking::v1::Ingress,
};
use kube::{
    Api, Client, Resource,
    runtime::watcher::{self, Config, Event, watcher},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;
use tower::retry::backoff::{Backoff, ExponentialBackoff};
use tracing::warn;

use crate::{
    delivery::news,
    evidence::{Clue, clue, clue_in_list, gathered},
    labels, observe,
    retry::pauses,
};

/// How long the server keeps a watch open, which is also about how long a dead connection goes
/// unnoticed.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// How long a session lasts at least: what its watches may have kept to themselves comes with the
/// next lists.
const SESSION: Duration = Duration::from_secs(20);
/// How many times longer it lasts than its lists took, so that a large cluster is not only listed.
const LISTS_SHARE: u32 = 20;

/// How long complete lists may take, all their pages together.
const LISTS: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How many objects are asked for at once: so many are in memory as the cluster tells them.
const PAGE: u32 = 100;
/// How many pods are asked about at once.
const AT_ONCE: usize = 8;

type Events<K> = BoxStream<'static, watcher::Result<Event<K>>>;
type Changes = BoxStream<'static, watcher::Result<BoxFuture<'static, Observation>>>;

/// The lists and watches go through `streams`, what else is asked about pods through `calls`.
pub(crate) fn watch(
    streams: Client,
    calls: Client,
    target: String,
) -> BoxStream<'static, Observation> {
    let pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE);
    let watch = Watch { streams, calls, target, pauses, interrupted: false };
    stream::unfold(watch, |mut watch| async { Some((watch.session().await, watch)) })
        .flatten()
        .boxed()
}

struct Watch {
    streams: Client,
    calls: Client,
    target: String,
    /// Grow while sessions do not come about.
    pauses: ExponentialBackoff,
    interrupted: bool,
}

/// Complete lists, and the changes from there on.
struct Session {
    lists: [Observation; 3],
    changes: Changes,
    lasts: Duration,
}

impl Watch {
    /// Tries until a session begins. What it yields ends with `Disconnected`.
    async fn session(&mut self) -> impl Stream<Item = Observation> + Send + use<> {
        loop {
            if std::mem::replace(&mut self.interrupted, true) {
                self.pauses.next_backoff().await;
            }
            let begun = Session::begin(&self.streams, &self.calls);
            match tokio::time::timeout(LISTS, begun).await {
                Ok(Ok(session)) => {
                    self.pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE);
                    return session.run(self.target.clone());
                }
                Ok(Err(error)) => note(&self.target, &error),
                Err(elapsed) => note(&self.target, &elapsed),
            }
        }
    }
}

impl Session {
    async fn begin(streams: &Client, calls: &Client) -> watcher::Result<Self> {
        let begun = Instant::now();
        let mut deployments = events::<Deployment>(streams);
        let mut sets = events::<StatefulSet>(streams);
        let mut services = events::<Service>(streams);
        let mut ingresses = events::<Ingress>(streams);
        let mut pods = events::<v1::Pod>(streams);
        let mut jobs = events::<Job>(streams);
        let (mut workloads, clusters, mut objects, others, seen, _) = futures::try_join!(
            list(&mut deployments, observe::workload),
            list(&mut sets, observe::stateful_set),
            list(&mut services, |it| observe::object(it, Part::Service)),
            list(&mut ingresses, |it| observe::object(it, Part::Ingress)),
            list(&mut pods, |pod| observe::pod(pod).map(|seen| (seen, clue_in_list(pod)))),
            list(&mut jobs, |_| None::<()>),
        )?;
        workloads.extend(clusters);
        objects.extend(others);
        let seen = stream::iter(seen).map(|(pod, clue)| told(calls.clone(), pod, clue));
        let seen = seen.buffered(AT_ONCE).collect().await;
        let changes = stream::select_all([
            changes(deployments, |event| of_workload(event, of_deployment)),
            changes(sets, |event| of_workload(event, of_stateful_set)),
            changes(services, |event| of_object(event, Part::Service)),
            changes(ingresses, |event| of_object(event, Part::Ingress)),
            pod_changes(pods, calls.clone()),
            changes(jobs, of_job),
        ]);
        let lists = [
            Observation::Workloads(workloads),
            Observation::Objects(objects),
            Observation::Pods(seen),
        ];
        let lasts = SESSION.max(begun.elapsed() * LISTS_SHARE);
        Ok(Self { lists, changes: changes.boxed(), lasts })
    }

    fn run(self, target: String) -> impl Stream<Item = Observation> + Send {
        let changes = self.changes.map_ok(|change| change.map(Ok)).try_buffered(AT_ONCE);
        let changes = changes.scan((), move |(), change| {
            future::ready(change.inspect_err(|error| note(&target, error)).ok())
        });
        let over = tokio::time::sleep(self.lasts).map(|()| None);
        let ended = changes.map(Some).chain(stream::iter([Some(Observation::Disconnected), None]));
        let told = stream::select(ended, stream::once(over));
        let told = told.take_while(|it| future::ready(it.is_some())).filter_map(future::ready);
        stream::iter([Observation::Connected]).chain(stream::iter(self.lists)).chain(told)
    }
}

fn note(target: &str, error: &(dyn Error + 'static)) {
    warn!(target.name = target, error, "the watch was interrupted");
}

fn events<K>(client: &Client) -> Events<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let seconds = u32::try_from(LIMIT.as_secs()).unwrap_or(u32::MAX);
    let config = Config::default().labels(labels::MANAGED).timeout(seconds).page_size(PAGE);
    watcher(Api::all(client.clone()), config).boxed()
}

/// The first complete list.
async fn list<K, T>(
    events: &mut Events<K>,
    seen: impl Fn(&K) -> Option<T>,
) -> watcher::Result<Vec<T>> {
    let mut list = Vec::new();
    while let Some(event) = events.try_next().await? {
        match event {
            Event::InitApply(object) => list.extend(seen(&object)),
            Event::InitDone => break,
            Event::Init | Event::Apply(_) | Event::Delete(_) => {}
        }
    }
    Ok(list)
}

fn changes<K: Send + 'static>(
    events: Events<K>,
    seen: impl Fn(Event<K>) -> Option<Observation> + Send + 'static,
) -> Changes {
    let seen = move |event| future::ready(Ok(seen(event).map(|it| future::ready(it).boxed())));
    events.try_filter_map(seen).boxed()
}

fn of_deployment(deployment: &Deployment) -> Option<Observation> {
    let workload = observe::workload(deployment).map(Observation::Workload);
    workload.or_else(|| news::of_release(deployment).map(Observation::Delivery))
}

fn of_stateful_set(set: &StatefulSet) -> Option<Observation> {
    observe::stateful_set(set).map(Observation::Workload)
}

fn of_workload<K: Resource>(
    event: Event<K>,
    seen: impl Fn(&K) -> Option<Observation>,
) -> Option<Observation> {
    match event {
        Event::Apply(object) => seen(&object),
        Event::Delete(object) => labels::owner(object.meta()).map(Observation::WorkloadGone),
        // There are no further lists without an error before them, which ends the session.
        Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}

fn of_job(event: Event<Job>) -> Option<Observation> {
    match event {
        Event::Apply(job) => news::of_job(&job).map(Observation::Delivery),
        Event::Delete(_) | Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}

fn of_object<K: Resource + Serialize>(event: Event<K>, part: Part) -> Option<Observation> {
    let of = |object: &K| -> Option<ObservedObject> { observe::object(object, part) };
    match event {
        Event::Apply(object) => of(&object).map(Observation::Object),
        Event::Delete(object) => of(&object).map(|it| Observation::ObjectGone(it.instance_id)),
        Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}

fn pod_changes(events: Events<v1::Pod>, calls: Client) -> Changes {
    let seen = move |event| future::ready(Ok(pod_change(event, &calls)));
    events.try_filter_map(seen).boxed()
}

fn pod_change(event: Event<v1::Pod>, calls: &Client) -> Option<BoxFuture<'static, Observation>> {
    let delivery = |id| future::ready(Observation::Delivery(id)).boxed();
    match event {
        Event::Apply(pod) => match observe::pod(&pod) {
            Some(seen) => Some(told(calls.clone(), seen, clue(&pod)).map(Observation::Pod).boxed()),
            None => news::of_pod(&pod).map(delivery),
        },
        Event::Delete(pod) => match observe::pod(&pod) {
            Some(seen) => Some(future::ready(Observation::PodGone(seen)).boxed()),
            None => news::of_pod_gone(&pod).map(delivery),
        },
        Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}

/// The pod with the evidence that there is about its trouble.
async fn told(calls: Client, pod: Pod, clue: Option<Clue>) -> Pod {
    match clue {
        Some(clue) => gathered(&calls, pod, clue).await,
        None => pod,
    }
}
