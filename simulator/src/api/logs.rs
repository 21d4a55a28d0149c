//! What containers have written.

use http::StatusCode;
use jiff::Timestamp;

use super::{answer::Answer, request::Call};
use crate::{
    object::{after, items, micros, moment, name, text, uid},
    state::State,
    status_error::{Cause, Result, StatusError},
};

pub(super) fn read(state: &State, call: &Call) -> Result<Answer> {
    let pod = state.existing(&call.target.key())?;
    let options = Options::of(state, call, name(&pod))?;
    let names: Vec<&str> = items(&pod["spec"]["containers"])
        .iter()
        .map(|container| text(&container["name"]))
        .collect();
    let container = match (call.query.text("container"), names.as_slice()) {
        (Some(given), names) if names.contains(&given) => given,
        (Some(given), _) => {
            let message = format!("container {given} is not valid for pod {}", name(&pod));
            return Err(StatusError::bad_request(message));
        }
        (None, [only]) => only,
        (None, names) => {
            return Err(StatusError::bad_request(format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                name(&pod),
                names.join(" ")
            )));
        }
    };
    if text(&pod["spec"]["nodeName"]).is_empty() {
        return Ok(Answer::text(StatusCode::NO_CONTENT, ""));
    }
    let run = state
        .runs
        .get(uid(&pod))
        .and_then(|run| run.container(container));
    let lines = run
        .ok_or("ContainerCreating")
        .and_then(|run| run.log(state.now, options.previous))
        .map_err(|why| unavailable(&options, container, name(&pod), why))?;
    Ok(Answer::text(StatusCode::OK, options.print(lines)))
}

fn unavailable(options: &Options, container: &str, pod: &str, why: &str) -> StatusError {
    StatusError::bad_request(if options.previous {
        format!("previous terminated container {container:?} in pod {pod:?} not found")
    } else {
        format!("container {container:?} in pod {pod:?} is waiting to start: {why}")
    })
}

struct Options {
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    since: Option<Timestamp>,
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
            limit: query
                .number("limitBytes")?
                .and_then(|limit| limit.try_into().ok()),
        })
    }

    fn print(&self, mut lines: Vec<(Timestamp, String)>) -> String {
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
