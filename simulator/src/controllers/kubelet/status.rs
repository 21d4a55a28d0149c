//! A Pod's status, as its kubelet reports it.

use serde_json::{Value, json};

use super::{
    container::{ContainerRun, End, Stage},
    pod::{PodRun, full_name},
};
use crate::{
    ids::hash,
    object::{condition, seconds},
    state::State,
};

impl State {
    pub(super) fn pod_status(&self, pod: &Value, run: &PodRun) -> Value {
        let phase = phase(run);
        let containers: Vec<Value> =
            run.containers.iter().map(|container| container_status(pod, container)).collect();
        let mut status = json!({
            "observedGeneration": pod["metadata"]["generation"],
            "phase": phase,
            "conditions": self.pod_conditions(pod, run, phase),
            "hostIP": run.host_address,
            "hostIPs": [{"ip": run.host_address}],
            "startTime": seconds(run.started),
            "containerStatuses": containers,
            "qosClass": pod["status"]["qosClass"],
        });
        if is_prepared(run) {
            status["podIP"] = json!(run.address);
            status["podIPs"] = json!([{"ip": run.address}]);
        }
        status
    }

    fn pod_conditions(&self, pod: &Value, run: &PodRun, phase: &str) -> Value {
        let finished = matches!(phase, "Succeeded" | "Failed");
        let unready: Vec<&str> = run
            .containers
            .iter()
            .filter(|container| !container.ready)
            .map(|container| container.name.as_str())
            .collect();
        let ready = unready.is_empty();
        let (reason, message) = match (ready, phase) {
            (true, _) => ("", String::new()),
            (_, "Succeeded") => ("PodCompleted", String::new()),
            (_, "Failed") => ("PodFailed", String::new()),
            _ => {
                let names = unready.join(" ");
                ("ContainersNotReady", format!("containers with unready status: [{names}]"))
            }
        };
        let completed = if phase == "Succeeded" { "PodCompleted" } else { "" };
        let list = [
            ("PodReadyToStartContainers", is_prepared(run) && !finished, "", ""),
            ("Initialized", true, completed, ""),
            ("Ready", ready, reason, message.as_str()),
            ("ContainersReady", ready, reason, message.as_str()),
        ];
        let mut conditions = vec![condition(pod, "PodScheduled").clone()];
        conditions.extend(list.map(|entry| self.pod_condition(pod, entry)));
        Value::Array(conditions)
    }

    fn pod_condition(&self, pod: &Value, entry: (&str, bool, &str, &str)) -> Value {
        let (kind, holds, reason, message) = entry;
        let value = if holds { "True" } else { "False" };
        let former = condition(pod, kind);
        let since = match former["status"] == value {
            true => former["lastTransitionTime"].clone(),
            false => json!(seconds(self.now)),
        };
        let mut condition = json!({
            "type": kind,
            "observedGeneration": pod["metadata"]["generation"],
            "status": value,
            "lastProbeTime": null,
            "lastTransitionTime": since,
        });
        for (field, text) in [("reason", reason), ("message", message)] {
            if !text.is_empty() {
                condition[field] = json!(text);
            }
        }
        condition
    }
}

/// Whether the Pod's surroundings, its address among them, are there.
fn is_prepared(run: &PodRun) -> bool {
    run.containers.iter().any(|container| container.stage != Stage::Creating)
}

fn phase(run: &PodRun) -> &'static str {
    let all_finished = run.containers.iter().all(|one| one.stage == Stage::Finished);
    let all_well =
        run.containers.iter().all(|one| one.end.as_ref().is_some_and(|end| end.code == 0));
    let all_started = run.containers.iter().all(|one| one.started.is_some());
    match (all_finished, all_well, all_started) {
        (true, true, _) => "Succeeded",
        (true, false, _) => "Failed",
        (false, _, true) => "Running",
        (false, _, false) => "Pending",
    }
}

fn container_status(pod: &Value, container: &ContainerRun) -> Value {
    let last = match (&container.stage, &container.end, &container.former_end) {
        (Stage::BackOff(_), Some(end), _) => terminated(end),
        (_, _, Some(former)) => terminated(former),
        _ => json!({}),
    };
    let mut status = json!({
        "name": container.name,
        "state": container_state(pod, container),
        "lastState": last,
        "ready": container.ready,
        "restartCount": container.restarts,
        "image": container.image,
        "imageID": "",
        "started": container.is_running(),
    });
    if container.started.is_some() {
        status["imageID"] = json!(image_id(&container.image));
        status["containerID"] = json!(container.id);
    }
    status
}

/// The image by its digest, which it may have been asked for by.
fn image_id(image: &str) -> String {
    if image.contains('@') {
        return image.to_owned();
    }
    let digest: String =
        (0..4).map(|part| format!("{:016x}", hash(&format!("{image}{part}")))).collect();
    format!("{image}@sha256:{digest}")
}

fn container_state(pod: &Value, container: &ContainerRun) -> Value {
    let waiting =
        |reason: &str, message: String| json!({"waiting": {"reason": reason, "message": message}});
    match &container.stage {
        Stage::Creating | Stage::Starting => json!({"waiting": {"reason": "ContainerCreating"}}),
        Stage::PullFailed => waiting("ErrImagePull", container.pull_error()),
        Stage::PullBackOff => {
            let (image, error) = (&container.image, container.pull_error());
            let message = format!("Back-off pulling image {image:?}: ErrImagePull: {error}");
            waiting("ImagePullBackOff", message)
        }
        Stage::Misconfigured(why) => waiting("CreateContainerConfigError", why.clone()),
        Stage::Running => match container.started {
            Some(at) => json!({"running": {"startedAt": seconds(at)}}),
            None => json!({"running": {}}),
        },
        Stage::BackOff(pause) => {
            let message = format!(
                "back-off {}s restarting failed container={} pod={}",
                pause.as_secs(),
                container.name,
                full_name(pod)
            );
            waiting("CrashLoopBackOff", message)
        }
        Stage::Ended | Stage::Finished => match &container.end {
            Some(end) => terminated(end),
            None => json!({}),
        },
    }
}

/// The JSON of an end.
fn terminated(end: &End) -> Value {
    let mut terminated = json!({
        "exitCode": end.code,
        "reason": end.reason,
        "startedAt": seconds(end.started),
        "finishedAt": seconds(end.finished),
        "containerID": end.id,
    });
    if !end.message.is_empty() {
        terminated["message"] = json!(end.message);
    }
    json!({"terminated": terminated})
}
