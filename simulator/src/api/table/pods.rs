use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    age::{age, printed},
    columns::{Column, text as column, wide},
};
use crate::object::{int, is_terminating, items, moment, name, text};

pub(super) const COLUMNS: &[Column] = &[
    column("Name"),
    column("Ready"),
    column("Status"),
    column("Restarts"),
    column("Age"),
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
];

pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let statuses = items(&pod["status"]["containerStatuses"]);
    let ready = statuses.iter().filter(|one| one["ready"] == true).count();
    let all = items(&pod["spec"]["containers"]).len();
    vec![
        json!(name(pod)),
        json!(format!("{ready}/{all}")),
        json!(state(pod)),
        json!(restarts(statuses, now)),
        age(&pod["metadata"]["creationTimestamp"], now),
        or_none(&pod["status"]["podIP"]),
        or_none(&pod["spec"]["nodeName"]),
        or_none(&pod["status"]["nominatedNodeName"]),
        json!("<none>"),
    ]
}

pub(super) fn or_none(value: &Value) -> Value {
    match text(value) {
        "" => json!("<none>"),
        text => json!(text),
    }
}

/// The phase, or what most concerns its containers.
fn state(pod: &Value) -> String {
    let phase = text(&pod["status"]["phase"]);
    let mut shown = phase.to_owned();
    let mut runs = false;
    for container in items(&pod["status"]["containerStatuses"]).iter().rev() {
        let state = &container["state"];
        let reason = [&state["waiting"], &state["terminated"]]
            .into_iter()
            .map(|state| text(&state["reason"]))
            .find(|reason| !reason.is_empty());
        match reason {
            Some(reason) => shown = reason.to_owned(),
            None if state["terminated"].is_object() => {
                shown = format!("ExitCode:{}", int(&state["terminated"]["exitCode"]));
            }
            None => runs |= container["ready"] == true && state["running"].is_object(),
        }
    }
    if shown == "Completed" && runs {
        shown = "Running".to_owned();
    }
    if is_terminating(pod) && !matches!(phase, "Succeeded" | "Failed") {
        shown = "Terminating".to_owned();
    }
    shown
}

fn restarts(statuses: &[Value], now: Timestamp) -> String {
    let count: i64 = statuses.iter().map(|one| int(&one["restartCount"])).sum();
    let last = statuses
        .iter()
        .filter_map(|one| moment(&one["lastState"]["terminated"]["finishedAt"]))
        .max();
    match last {
        Some(last) if count > 0 => {
            let ago = printed(last.duration_until(now).as_secs());
            format!("{count} ({ago} ago)")
        }
        _ => count.to_string(),
    }
}
