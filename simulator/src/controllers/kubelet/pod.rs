use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::container::ContainerRun;
use crate::{
    clock::later,
    controllers::events::Note,
    kinds::NODE,
    object::{after, int, is_terminating, items, moment, name, seconds, text, uid},
    state::State,
    storage::Key,
};

pub(super) const KUBELET: &str = "kubelet";

/// A Pod as its node sees it.
#[derive(Clone, Debug)]
pub(crate) struct PodRun {
    pub(super) containers: Vec<ContainerRun>,
    pub(super) address: String,
    pub(super) host_address: String,
    pub(super) started: Timestamp,
    /// When its containers will have stopped, once it is to go.
    ends: Option<Timestamp>,
}

impl PodRun {
    /// What answers an HTTP request to a port of the Pod; none if nobody listens there.
    pub fn answer(&self, port: i64, path: &str) -> Option<(StatusCode, String)> {
        self.containers.iter().find_map(|container| container.answer(port, path))
    }

    pub fn container(&self, name: &str) -> Option<&ContainerRun> {
        self.containers.iter().find(|container| container.name == name)
    }
}

impl State {
    /// Takes a Pod as far as the time allows.
    pub(in crate::controllers) fn run_pod(&mut self, key: &Key) -> Option<Timestamp> {
        let pod = self.get(key)?;
        let node = text(&pod["spec"]["nodeName"]);
        if node.is_empty() || self.failed_nodes.contains(node) {
            return None;
        }
        let mut run = match self.runs.remove(uid(&pod)) {
            Some(run) => run,
            None => self.admit(&pod),
        };
        let due = if is_terminating(&pod) {
            self.stop(&pod, &mut run)
        } else {
            self.step(&pod, &mut run)
        };
        let status = self.pod_status(&pod, &run);
        self.runs.insert(uid(&pod).to_owned(), run);
        self.set_status(key, status, KUBELET);
        match due {
            None if is_terminating(&pod) => {
                self.let_go(key);
                None
            }
            due => due,
        }
    }

    fn admit(&mut self, pod: &Value) -> PodRun {
        let node = Key::new(&NODE, "", text(&pod["spec"]["nodeName"]));
        let host_address = self
            .storage
            .get(&node)
            .map(|node| text(&node["status"]["addresses"][0]["address"]).to_owned())
            .unwrap_or_default();
        let pulled = later(self.now, self.timing.pull);
        let policy = text(&pod["spec"]["restartPolicy"]);
        PodRun {
            containers: items(&pod["spec"]["containers"])
                .iter()
                .map(|container| ContainerRun::new(container, policy, pulled))
                .collect(),
            address: self.address("10.64"),
            host_address,
            started: self.now,
            ends: None,
        }
    }

    /// Moves each container on, and says when the next one is due.
    fn step(&mut self, pod: &Value, run: &mut PodRun) -> Option<Timestamp> {
        if let Some(retry) = self.wait_for_mounts(pod, run) {
            return Some(retry);
        }
        let obstacle = self.missing(pod);
        for index in 0..run.containers.len() {
            while run.containers[index].due.is_some_and(|due| due <= self.now) {
                let timing = self.timing.clone();
                let id = format!("{:016x}{:016x}", self.ids.next(), self.ids.next());
                let container = &mut run.containers[index];
                let notes = container.step(pod, &timing, self.now, &obstacle, &id);
                self.tell_all(pod, &container.name, notes);
            }
        }
        run.containers.iter().filter_map(|container| container.due).min()
    }

    /// Before the first container starts, all volumes must be there; when to look again if not.
    fn wait_for_mounts(&mut self, pod: &Value, run: &PodRun) -> Option<Timestamp> {
        let due = run.containers.iter().filter_map(|container| container.due).min()?;
        if due > self.now || run.containers.iter().any(ContainerRun::has_begun) {
            return None;
        }
        let (volume, absent) = self.unmountable(pod)?;
        let message = format!("MountVolume.SetUp failed for volume {volume:?} : {absent}");
        let mut note = Note::warning(KUBELET, "FailedMount", message);
        note.host = text(&pod["spec"]["nodeName"]).to_owned();
        self.tell(pod, &note);
        Some(later(self.now, self.timing.retry))
    }

    /// Stops the containers of a Pod that is to go; none is due once they have stopped.
    fn stop(&mut self, pod: &Value, run: &mut PodRun) -> Option<Timestamp> {
        let grace = int(&pod["metadata"]["deletionGracePeriodSeconds"]);
        let patience = Duration::from_secs(u64::try_from(grace).unwrap_or_default());
        let first = run.ends.is_none();
        let ends = later(self.now, self.timing.terminate.min(patience));
        let ends = run.ends.map_or(ends, |planned| planned.min(ends));
        run.ends = Some(ends);
        if first {
            for container in run.containers.iter().filter(|one| one.is_running()) {
                let message = format!("Stopping container {}", container.name);
                let note = Note::normal(KUBELET, "Killing", message);
                self.tell_all(pod, &container.name.clone(), vec![note]);
            }
        }
        if ends > self.now {
            return Some(ends);
        }
        for container in &mut run.containers {
            container.stop(self.now);
        }
        None
    }

    /// Tells the API server that a stopped Pod may go.
    fn let_go(&mut self, key: &Key) {
        let Some(pod) = self.get(key) else { return };
        let mut last = (*pod).clone();
        let grace = int(&pod["metadata"]["deletionGracePeriodSeconds"]);
        if grace > 0 {
            if let Some(planned) = moment(&pod["metadata"]["deletionTimestamp"]) {
                last["metadata"]["deletionTimestamp"] = json!(seconds(after(planned, -grace)));
            }
            last["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            self.put(key, last.clone());
        }
        if items(&pod["metadata"]["finalizers"]).is_empty() {
            self.remove(key, last);
        }
    }

    fn tell_all(&mut self, pod: &Value, container: &str, notes: Vec<Note>) {
        let node = text(&pod["spec"]["nodeName"]).to_owned();
        for note in notes {
            self.tell(pod, &note.of_container(&node, container));
        }
    }
}

/// How the back-off messages name a Pod.
pub(super) fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", name(pod), text(&pod["metadata"]["namespace"]), uid(pod))
}
