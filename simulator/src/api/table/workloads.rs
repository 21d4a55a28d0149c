use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    age::{age, printed},
    columns::{Column, number, text as column, wide},
};
use crate::{
    object::{condition, int, items, moment, name, text},
    selectors::LabelSelector,
};

pub(super) const DEPLOYMENT: &[Column] = &[
    column("Name"),
    column("Ready"),
    column("Up-to-date"),
    column("Available"),
    column("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let mut cells = vec![
        json!(name(object)),
        ready(object),
        json!(int(&status["updatedReplicas"])),
        json!(int(&status["availableReplicas"])),
        age(&object["metadata"]["creationTimestamp"], now),
    ];
    cells.extend(content(spec));
    cells.push(selector(spec));
    cells
}

pub(super) const REPLICA_SET: &[Column] = &[
    column("Name"),
    number("Desired"),
    number("Current"),
    number("Ready"),
    column("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let mut cells = vec![
        json!(name(object)),
        json!(int(&spec["replicas"])),
        json!(int(&status["replicas"])),
        json!(int(&status["readyReplicas"])),
        age(&object["metadata"]["creationTimestamp"], now),
    ];
    cells.extend(content(spec));
    cells.push(selector(spec));
    cells
}

pub(super) const STATEFUL_SET: &[Column] =
    &[column("Name"), column("Ready"), column("Age"), wide("Containers"), wide("Images")];

pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let age = age(&object["metadata"]["creationTimestamp"], now);
    let mut cells = vec![json!(name(object)), ready(object), age];
    cells.extend(content(&object["spec"]));
    cells
}

pub(super) const JOB: &[Column] = &[
    column("Name"),
    column("Status"),
    column("Completions"),
    column("Duration"),
    column("Age"),
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let holds = |kind: &str| condition(object, kind)["status"] == "True";
    let state = ["Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet"]
        .into_iter()
        .find(|kind| holds(kind))
        .unwrap_or("Running");
    let wanted = spec["completions"].as_i64().unwrap_or(1);
    let ended = moment(&status["completionTime"]).unwrap_or(now);
    let duration = moment(&status["startTime"])
        .map(|start| printed(start.duration_until(ended).as_secs()))
        .unwrap_or_default();
    let mut cells = vec![
        json!(name(object)),
        json!(state),
        json!(format!("{}/{wanted}", int(&status["succeeded"]))),
        json!(duration),
        age(&object["metadata"]["creationTimestamp"], now),
    ];
    cells.extend(content(spec));
    cells.push(selector(spec));
    cells
}

fn ready(object: &Value) -> Value {
    let ready = int(&object["status"]["readyReplicas"]);
    json!(format!("{ready}/{}", int(&object["spec"]["replicas"])))
}

/// The names and images of a template's containers.
fn content(spec: &Value) -> [Value; 2] {
    ["name", "image"].map(|field| {
        let containers = items(&spec["template"]["spec"]["containers"]).iter();
        let texts: Vec<&str> = containers.map(|one| text(&one[field])).collect();
        json!(texts.join(","))
    })
}

fn selector(spec: &Value) -> Value {
    json!(LabelSelector::of_object(&spec["selector"]).print())
}
