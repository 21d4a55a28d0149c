//! What else speaks of a pod's trouble: the end of its log where it ends by itself, the cluster's
//! warnings where it does not come to run. Lacking evidence is no reason to fail.

use std::{collections::BTreeSet, error::Error, time::Duration};

use domain::runtime::{Pod, PodName};
use k8s_openapi::api::core::v1::{self, Event};
use kube::{Api, Client, api::ListParams};
use tracing::debug;

use crate::{
    limit::limited,
    log,
    reason::{self, Weight},
};

/// What follows waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
const LOG_LINES: i64 = 5;
const WARNINGS: usize = 5;
/// A longer line is cut.
const LONGEST_LINE: usize = 300;

/// What would tell more about a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clue {
    Log,
    Warnings,
}

/// `None` for a pod that is well, or just begins.
pub(crate) fn clue(pod: &v1::Pod) -> Option<Clue> {
    let leaving = pod.metadata.deletion_timestamp.is_some();
    let reason = reason::of_pod(pod).filter(|_| !leaving)?;
    match reason.weight {
        Weight::Ended => Some(Clue::Log),
        Weight::Stuck if reason::last_termination(pod).is_some() => Some(Clue::Log),
        Weight::Stuck | Weight::Lost => Some(Clue::Warnings),
        Weight::Unready | Weight::Unscheduled => None,
    }
}

/// The same of a pod in a list. One that is not ready may have been so for long, for a reason that
/// the cluster's warnings alone tell: a volume that cannot be mounted, a probe that fails.
pub(crate) fn clue_in_list(pod: &v1::Pod) -> Option<Clue> {
    let leaving = pod.metadata.deletion_timestamp.is_some();
    let waits = || reason::of_pod(pod).filter(|it| !leaving && it.weight == Weight::Unready);
    clue(pod).or_else(|| waits().map(|_| Clue::Warnings))
}

/// The pod with what there is to be found.
pub(crate) async fn gathered(client: &Client, mut pod: Pod, clue: Clue) -> Pod {
    let name = pod.pod_name();
    let search = async {
        match clue {
            Clue::Log => log::tail(client, &name, LOG_LINES, false).await.map(of_log),
            Clue::Warnings => warnings(client, &name, &pod.uid).await,
        }
    };
    match tokio::time::timeout(PATIENCE, search).await {
        Ok(Ok(found)) => pod.evidence = found,
        Ok(Err(error)) => note(&name, &error),
        Err(elapsed) => note(&name, &elapsed),
    }
    pod
}

fn note(pod: &PodName, error: &(dyn Error + 'static)) {
    debug!(pod.name, error, "no evidence could be had");
}

fn of_log(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(|line| format!("log: {}", cut(line))).collect()
}

/// Without their counts, which change all the time.
async fn warnings(client: &Client, pod: &PodName, uid: &str) -> kube::Result<Vec<String>> {
    let events = Api::<Event>::namespaced(client.clone(), &pod.namespace);
    let about = format!("involvedObject.uid={uid},type=Warning");
    let found = limited(events.list(&ListParams::default().fields(&about))).await?;
    let told: BTreeSet<String> = found.items.iter().map(told).collect();
    Ok(told.into_iter().take(WARNINGS).collect())
}

fn told(event: &Event) -> String {
    let reason = event.reason.as_deref().unwrap_or("Warning");
    format!("event: {reason}: {}", cut(event.message.as_deref().unwrap_or_default()))
}

fn cut(line: &str) -> String {
    line.trim().chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect()
}
