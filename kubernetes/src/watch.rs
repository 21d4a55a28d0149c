//! One stream of everything of ours. The watch lives in sessions: each begins with complete lists
//! of Deployments and pods and ends at the first error, so that whatever happened in between, the
//! next session's lists make it good. A watch that the server ends in its own time is taken up
//! where it stopped and is no error.

use std::{error::Error, fmt::Debug, future, time::Duration};

use domain::runtime::Observation;
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client, Resource,
    runtime::watcher::{self, Config, DefaultBackoff, Event, watcher},
};
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::{labels, limit::for_watches, observe};

/// How long the server keeps a watch open, which is also about how long a dead connection goes
/// unnoticed.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// How long complete lists may take, all their pages together.
const LISTS: Duration = Duration::from_secs(60);

type Events<K> = BoxStream<'static, watcher::Result<Event<K>>>;

pub(crate) fn watch(client: Client, target: String) -> BoxStream<'static, Observation> {
    let watch = Watch { client, target, backoff: DefaultBackoff::default(), interrupted: false };
    stream::unfold(watch, |mut watch| async { Some((watch.session().await, watch)) })
        .flatten()
        .boxed()
}

struct Watch {
    client: Client,
    target: String,
    /// Grows while interruptions come in quick succession, also when sessions begin in between.
    backoff: DefaultBackoff,
    interrupted: bool,
}

/// Complete lists, and the changes from there on.
struct Session {
    lists: [Observation; 2],
    changes: BoxStream<'static, watcher::Result<Observation>>,
}

impl Watch {
    /// Tries until a session begins. What it yields ends with `Disconnected`.
    async fn session(&mut self) -> impl Stream<Item = Observation> + Send + use<> {
        loop {
            if self.interrupted {
                tokio::time::sleep(self.backoff.next().unwrap_or(LISTS)).await;
            }
            self.interrupted = true;
            match tokio::time::timeout(LISTS, Session::begin(&self.client)).await {
                Ok(Ok(session)) => return session.run(self.target.clone()),
                Ok(Err(error)) => note(&self.target, &error),
                Err(elapsed) => note(&self.target, &elapsed),
            }
        }
    }
}

impl Session {
    async fn begin(client: &Client) -> watcher::Result<Self> {
        let client = for_watches(client);
        let mut deployments = events::<Deployment>(&client);
        let mut pods = events::<Pod>(&client);
        let (seen_workloads, seen_pods) = futures::try_join!(
            list(&mut deployments, observe::workload),
            list(&mut pods, observe::pod),
        )?;
        let changes = stream::select(
            deployments.try_filter_map(|event| future::ready(Ok(of_deployment(event)))),
            pods.try_filter_map(|event| future::ready(Ok(of_pod(event)))),
        );
        Ok(Self {
            lists: [Observation::Workloads(seen_workloads), Observation::Pods(seen_pods)],
            changes: changes.boxed(),
        })
    }

    fn run(self, target: String) -> impl Stream<Item = Observation> + Send {
        let changes = self.changes.scan((), move |(), change| {
            future::ready(change.inspect_err(|error| note(&target, error)).ok())
        });
        stream::iter([Observation::Connected])
            .chain(stream::iter(self.lists))
            .chain(changes)
            .chain(stream::iter([Observation::Disconnected]))
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
    let config = Config::default().labels(labels::MANAGED).timeout(seconds);
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

fn of_deployment(event: Event<Deployment>) -> Option<Observation> {
    match event {
        Event::Apply(object) => observe::workload(&object).map(Observation::Workload),
        Event::Delete(object) => {
            labels::instance_id(&object.metadata).map(Observation::WorkloadGone)
        }
        // There are no further lists without an error before them, which ends the session.
        Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}

fn of_pod(event: Event<Pod>) -> Option<Observation> {
    match event {
        Event::Apply(object) => observe::pod(&object).map(Observation::Pod),
        Event::Delete(object) => observe::pod(&object).map(Observation::PodGone),
        Event::Init | Event::InitApply(_) | Event::InitDone => None,
    }
}
