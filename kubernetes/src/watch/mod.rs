//! One stream of everything of ours. The watch lives in sessions: each begins with complete lists
//! and ends at the first error, so that whatever happened in between, the next session's lists
//! make it good. A watch that the server ends in its own time is taken up where it stopped and is
//! no error.

mod change;
mod kinds;
mod picture;

use std::{error::Error, future, time::Duration};

use domain::runtime::Observation;
use futures::{
    FutureExt, Stream, StreamExt, TryStreamExt,
    future::try_join_all,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet, StatefulSet},
    batch::v1::Job,
    core::v1::{self, PersistentVolumeClaim, Pod, Service},
    discovery::v1::EndpointSlice,
    networking::v1::Ingress,
};
use kube::{
    Api, Client,
    runtime::watcher::{self, Config, Event, watcher},
};
use tokio::time::Instant;
use tower::retry::backoff::{Backoff, ExponentialBackoff};
use tracing::warn;

use self::{
    change::{Change, WatchedPod},
    kinds::Watched,
    picture::Picture,
};
use crate::{
    evidence::{Clue, end_of_log},
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

/// What one watch tells.
enum Step {
    Listed(Change),
    /// The first complete list is through.
    Complete,
    Changed(Change),
}

type Steps = BoxStream<'static, watcher::Result<Step>>;

/// The lists and watches go through `streams`, logs are read through `calls`.
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
    calls: Client,
    picture: Picture,
    lists: [Observation; 3],
    watches: Vec<Steps>,
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
        let mut watches = watches(streams);
        let listed = try_join_all(watches.iter_mut().map(list)).await?;
        let listed = stream::iter(listed.into_iter().flatten());
        let mut listed = listed.map(|change| with_log(calls.clone(), change)).buffered(AT_ONCE);
        let (mut picture, mut objects) = (Picture::default(), Vec::new());
        while let Some(change) = listed.next().await {
            match change {
                Change::Alone(Observation::Object(object)) => objects.push(object),
                change => drop(picture.take(change)),
            }
        }
        let lists = [
            Observation::Workloads(picture.workloads()),
            Observation::Objects(objects),
            Observation::Pods(picture.pods()),
        ];
        let lasts = SESSION.max(begun.elapsed() * LISTS_SHARE);
        Ok(Self { calls: calls.clone(), picture, lists, watches, lasts })
    }

    fn run(self, target: String) -> impl Stream<Item = Observation> + Send {
        let Self { calls, picture, lists, watches, lasts } = self;
        let changes = stream::select_all(watches).try_filter_map(|step| match step {
            Step::Changed(change) => future::ready(Ok(Some(change))),
            // There are no further lists without an error before them, which ends the session.
            Step::Listed(_) | Step::Complete => future::ready(Ok(None)),
        });
        let changes = changes.map_ok(move |change| with_log(calls.clone(), change).map(Ok));
        let told = changes.try_buffered(AT_ONCE).scan(picture, move |picture, change| {
            let change = change.inspect_err(|error| note(&target, error)).ok();
            future::ready(change.map(|change| stream::iter(picture.take(change))))
        });
        let over = tokio::time::sleep(lasts).map(|()| None);
        let ended = told.flatten().map(Some);
        let ended = ended.chain(stream::iter([Some(Observation::Disconnected), None]));
        let told = stream::select(ended, stream::once(over));
        let told = told.take_while(|it| future::ready(it.is_some())).filter_map(future::ready);
        stream::iter([Observation::Connected]).chain(stream::iter(lists)).chain(told)
    }
}

fn watches(client: &Client) -> Vec<Steps> {
    vec![
        steps::<Deployment>(client),
        steps::<StatefulSet>(client),
        steps::<ReplicaSet>(client),
        steps::<Pod>(client),
        steps::<Job>(client),
        steps::<Service>(client),
        steps::<EndpointSlice>(client),
        steps::<Ingress>(client),
        steps::<PersistentVolumeClaim>(client),
        steps::<v1::Event>(client),
    ]
}

fn note(target: &str, error: &(dyn Error + 'static)) {
    warn!(target.name = target, error, "the watch was interrupted");
}

fn steps<K: Watched>(client: &Client) -> Steps {
    let seconds = u32::try_from(LIMIT.as_secs()).unwrap_or(u32::MAX);
    let config = K::select(Config::default()).timeout(seconds).page_size(PAGE);
    let events = watcher(Api::<K>::all(client.clone()), config);
    events.try_filter_map(|event| future::ready(Ok(step(event)))).boxed()
}

fn step<K: Watched>(event: Event<K>) -> Option<Step> {
    match event {
        Event::Init => None,
        Event::InitApply(object) => object.seen().map(Step::Listed),
        Event::InitDone => Some(Step::Complete),
        Event::Apply(object) => object.seen().map(Step::Changed),
        Event::Delete(object) => object.gone().map(Step::Changed),
    }
}

/// The first complete list.
async fn list(steps: &mut Steps) -> watcher::Result<Vec<Change>> {
    let mut list = Vec::new();
    while let Some(step) = steps.try_next().await? {
        match step {
            Step::Listed(change) => list.push(change),
            Step::Complete => break,
            Step::Changed(_) => {}
        }
    }
    Ok(list)
}

/// With the end of its log, for a pod of which that tells something.
async fn with_log(calls: Client, change: Change) -> Change {
    match change {
        Change::Pod(pod) if pod.clue == Some(Clue::Log) => {
            let log = end_of_log(&calls, &pod.seen.pod_name()).await;
            Change::Pod(WatchedPod { log, ..pod })
        }
        other => other,
    }
}
