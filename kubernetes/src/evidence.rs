//! What else speaks of a pod's trouble: the end of its log where it ends by itself, the cluster's
//! warnings where it does not come to run. Lacking evidence is no reason to fail.

use std::{error::Error, fmt, time::Duration};

use domain::runtime::PodName;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Client;
use tracing::debug;

use crate::{
    log,
    reason::{self, Weight},
};

/// What follows waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);
const LOG_LINES: i64 = 5;
/// A longer line is cut.
const LONGEST_LINE: usize = 300;

/// What would tell more about a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clue {
    Log,
    Warnings,
}

/// What the cluster warns of: a reason, and the same in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    pub(crate) reason: String,
    pub(crate) message: String,
    /// When it did so last.
    pub(crate) at: Option<Timestamp>,
}

impl Warning {
    pub(crate) fn of(event: &Event) -> Self {
        let times = [event.last_timestamp.as_ref(), event.first_timestamp.as_ref()];
        let counted = times.into_iter().flatten().map(|time| time.0).next();
        let single = event.event_time.as_ref().map(|time| time.0);
        let series = event.series.as_ref().and_then(|it| Some(it.last_observed_time.as_ref()?.0));
        Self {
            reason: event.reason.clone().unwrap_or_else(|| "Warning".to_owned()),
            message: cut(event.message.as_deref().unwrap_or_default()),
            at: series.or(counted).or(single),
        }
    }
}

/// Without how often, which changes all the time.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event: {}: {}", self.reason, self.message)
    }
}

/// `None` for a pod that is well, or on its way out.
pub(crate) fn clue(pod: &Pod) -> Option<Clue> {
    let leaving = pod.metadata.deletion_timestamp.is_some();
    let reason = reason::of_pod(pod).filter(|_| !leaving)?;
    match reason.weight {
        Weight::Ended => Some(Clue::Log),
        Weight::Stuck if reason::last_termination(pod).is_some() => Some(Clue::Log),
        Weight::Stuck | Weight::Lost | Weight::Unready | Weight::Unscheduled => {
            Some(Clue::Warnings)
        }
    }
}

/// What a container wrote last.
pub(crate) async fn end_of_log(client: &Client, pod: &PodName) -> Vec<String> {
    match tokio::time::timeout(PATIENCE, log::tail(client, pod, LOG_LINES, false)).await {
        Ok(Ok(text)) => of_log(text),
        Ok(Err(error)) => note(pod, &error),
        Err(elapsed) => note(pod, &elapsed),
    }
}

fn note(pod: &PodName, error: &(dyn Error + 'static)) -> Vec<String> {
    debug!(pod.name, error, "the log could not be had");
    Vec::new()
}

fn of_log(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(|line| format!("log: {}", cut(line))).collect()
}

fn cut(line: &str) -> String {
    line.trim().chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect()
}
