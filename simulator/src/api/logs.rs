//! What containers have written.

use std::collections::VecDeque;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    answer::{Answer, LOG},
    follow::Follow,
    request::Call,
};
use crate::{
    cluster::Cluster,
    object::{after, items, micros, moment, name, text, uid},
    state::State,
    status_error::{Cause, Result, StatusError},
};

/// The text so far or, if the call wants to follow it, a stream of what comes.
pub(super) fn open(cluster: &Cluster, call: &Call) -> Result<Answer> {
    let pulse = cluster.pulse();
    cluster.with_state(|state| {
        let (log, whole) = Log::of(state, call)?;
        if !call.query.flag("follow") || log.options.previous || log.container.is_empty() {
            return Ok(whole);
        }
        let mut follow = Follow {
            cluster: cluster.clone(),
            uid: log.uid,
            container: log.container,
            options: log.options,
            position: None,
            texts: VecDeque::new(),
            ended: false,
            pulse,
        };
        follow.catch_up(state);
        Ok(Answer::Lines(Box::new(follow)))
    })
}

/// Which log is asked for; no container where there is no log yet.
struct Log {
    uid: String,
    container: String,
    options: Options,
}

impl Log {
    fn of(state: &State, call: &Call) -> Result<(Self, Answer)> {
        let pod = state.existing(&call.target.key())?;
        let options = Options::of(state, call, name(&pod))?;
        let container = container(&pod, call.query.text("container"))?;
        let mut log = Self { uid: uid(&pod).to_owned(), container: container.to_owned(), options };
        if text(&pod["spec"]["nodeName"]).is_empty() {
            log.container.clear();
            return Ok((log, Answer::text(StatusCode::NO_CONTENT, "")));
        }
        let run = state.runs.get(uid(&pod));
        let lines = run
            .and_then(|run| run.container(container))
            .ok_or("ContainerCreating")
            .and_then(|run| run.log(state.now, log.options.previous))
            .map_err(|why| unavailable(&log.options, container, name(&pod), why))?;
        let whole = Answer::text(StatusCode::OK, log.options.print(lines)).of_type(LOG);
        Ok((log, whole))
    }
}

/// The container that is meant, which must be named if there are several.
fn container<'a>(pod: &'a Value, given: Option<&'a str>) -> Result<&'a str> {
    let names: Vec<&str> = items(&pod["spec"]["containers"])
        .iter()
        .map(|container| text(&container["name"]))
        .collect();
    match (given, names.as_slice()) {
        (Some(given), names) if names.contains(&given) => Ok(given),
        (Some(given), _) => Err(StatusError::bad_request(format!(
            "container {given} is not valid for pod {}",
            name(pod)
        ))),
        (None, [only]) => Ok(only),
        (None, names) => Err(StatusError::bad_request(format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            name(pod),
            names.join(" ")
        ))),
    }
}

fn unavailable(options: &Options, container: &str, pod: &str, why: &str) -> StatusError {
    StatusError::bad_request(if options.previous {
        format!("previous terminated container {container:?} in pod {pod:?} not found")
    } else {
        format!("container {container:?} in pod {pod:?} is waiting to start: {why}")
    })
}

pub(super) struct Options {
    previous: bool,
    timestamps: bool,
    pub tail: Option<usize>,
    pub since: Option<Timestamp>,
    limit: Option<usize>,
}

impl Options {
    fn of(state: &State, call: &Call, pod: &str) -> Result<Self> {
        let query = &call.query;
        let refuse =
            |cause: Cause| Err(StatusError::invalid_as("PodLogOptions", "", pod, &[cause]));
        let tail = query.number("tailLines")?;
        if let Some(tail) = tail.filter(|tail| *tail < 0) {
            let why = "must be greater than or equal to 0";
            return refuse(Cause::invalid("tailLines", &tail.to_string(), why));
        }
        let seconds = query.number("sinceSeconds")?;
        let time = query.text("sinceTime");
        if seconds.is_some() && time.is_some() {
            let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            return refuse(Cause::forbidden("[]", why));
        }
        if let Some(seconds) = seconds.filter(|seconds| *seconds < 1) {
            let why = "must be greater than 0";
            return refuse(Cause::invalid("sinceSeconds", &seconds.to_string(), why));
        }
        Ok(Self {
            previous: query.flag("previous"),
            timestamps: query.flag("timestamps"),
            tail: tail.and_then(|tail| tail.try_into().ok()),
            since: seconds
                .map(|seconds| after(state.now, -seconds))
                .or_else(|| time.and_then(|time| moment(&time.into()))),
            limit: query.number("limitBytes")?.and_then(|limit| limit.try_into().ok()),
        })
    }

    pub fn print(&self, mut lines: Vec<(Timestamp, String)>) -> String {
        lines.retain(|(at, _)| self.since.is_none_or(|since| *at >= since));
        let skipped = self.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        let mut printed = String::new();
        for (at, line) in &lines[skipped..] {
            if self.timestamps {
                printed.push_str(&micros(*at));
                printed.push(' ');
            }
            printed.push_str(line);
            printed.push('\n');
        }
        if let Some(limit) = self.limit {
            let end = printed.floor_char_boundary(limit.min(printed.len()));
            printed.truncate(end);
        }
        printed
    }
}
