use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    claim::ClaimObstacle,
    events::Note,
    load::{Load, requests},
};
use crate::{
    kinds::NODE,
    object::{condition, is_terminating, items, name, seconds, text},
    ownership::Writer,
    quantity::Quantity,
    selectors::LabelSelector,
    state::State,
    storage::Key,
};

const SCHEDULER: &str = "default-scheduler";

impl State {
    /// Finds a node for a Pod, or says why there is none.
    pub(super) fn schedule(&mut self, key: &Key) -> Option<Timestamp> {
        let pod = self.get(key)?;
        if !text(&pod["spec"]["nodeName"]).is_empty() || is_terminating(&pod) {
            return None;
        }
        let nodes: Vec<Arc<Value>> =
            self.storage.list(&NODE, None).map(|(_, node)| Arc::clone(node)).collect();
        if let Some(obstacle) = self.obstacle_of_claims(&pod) {
            self.wait_for_claim(key, &pod, nodes.len(), obstacle);
            return None;
        }
        let idle = Load::default();
        let mut obstacles: BTreeMap<String, usize> = BTreeMap::new();
        let mut best: Option<(usize, &Arc<Value>)> = None;
        for node in &nodes {
            let load = self.loads.on(name(node)).unwrap_or(&idle);
            let reasons = obstacles_to(&pod, node, load);
            if reasons.is_empty() && best.is_none_or(|(least, _)| load.pods < least) {
                best = Some((load.pods, node));
            }
            for reason in reasons {
                *obstacles.entry(reason).or_default() += 1;
            }
        }
        match best {
            Some((_, node)) => self.bind(key, &pod, node),
            None => {
                let reasons: Vec<String> =
                    obstacles.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
                self.give_up(key, &pod, nodes.len(), &reasons.join(", "));
            }
        }
        None
    }

    fn wait_for_claim(&mut self, key: &Key, pod: &Value, nodes: usize, obstacle: ClaimObstacle) {
        let (reason, count) = match obstacle {
            ClaimObstacle::NotYet => return,
            ClaimObstacle::Missing(claim) => {
                (format!("persistentvolumeclaim {claim:?} not found"), None)
            }
            ClaimObstacle::Never => {
                let why = "node(s) didn't find available persistent volumes to bind";
                (why.to_owned(), Some(nodes))
            }
        };
        let count = count.map(|count| format!("{count} ")).unwrap_or_default();
        self.give_up(key, pod, nodes, &format!("{count}{reason}"));
    }

    fn bind(&mut self, key: &Key, pod: &Value, node: &Value) {
        let mut bound = pod.clone();
        bound["spec"]["nodeName"] = json!(name(node));
        for label in ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"] {
            if let Some(value) = node["metadata"]["labels"].get(label) {
                bound["metadata"]["labels"][label] = value.clone();
            }
        }
        bound["status"]["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": null,
            "lastTransitionTime": seconds(self.now),
        }]);
        // A binding is one write, of the spec and the status, that nobody owns.
        self.put(key, bound);
        let message =
            format!("Successfully assigned {}/{} to {}", key.namespace, key.name, name(node));
        self.tell(pod, &Note::normal(SCHEDULER, "Scheduled", message));
    }

    fn give_up(&mut self, key: &Key, pod: &Value, nodes: usize, reasons: &str) {
        let message = format!(
            "0/{nodes} nodes are available: {reasons}. no new claims to deallocate, preemption: 0/{nodes} \
             nodes are available: {nodes} Preemption is not helpful for scheduling."
        );
        let former = condition(pod, "PodScheduled");
        if former["message"] == message {
            return;
        }
        let since = match former["status"] == "False" {
            true => former["lastTransitionTime"].clone(),
            false => json!(seconds(self.now)),
        };
        let mut waiting = pod.clone();
        waiting["status"]["conditions"] = json!([{
            "type": "PodScheduled",
            "observedGeneration": pod["metadata"]["generation"],
            "status": "False",
            "lastProbeTime": null,
            "lastTransitionTime": since,
            "reason": "Unschedulable",
            "message": message,
        }]);
        self.write(key, waiting, &Writer::status("kube-scheduler"));
        self.tell(pod, &Note::warning(SCHEDULER, "FailedScheduling", message));
    }
}

/// Why a Pod cannot go to a node.
fn obstacles_to(pod: &Value, node: &Value, load: &Load) -> Vec<String> {
    let lost = items(&node["spec"]["taints"]).iter().find(|taint| taint["effect"] == "NoExecute");
    if let Some(taint) = lost {
        let key = text(&taint["key"]);
        return vec![format!("node(s) had untolerated taint(s): {{{key}: }}")];
    }
    if node["spec"]["unschedulable"] == true {
        return vec!["node(s) were unschedulable".into()];
    }
    let wanted = LabelSelector::of_map(&pod["spec"]["nodeSelector"]);
    if !wanted.matches(&node["metadata"]["labels"]) {
        return vec!["node(s) didn't match Pod's node affinity/selector".into()];
    }
    let allocatable = &node["status"]["allocatable"];
    let mut obstacles = Vec::new();
    let room = Quantity::of(&allocatable["pods"]).unwrap_or(Quantity::count(110));
    if Quantity::count(load.pods + 1).exceeds(room) {
        obstacles.push("Too many pods".into());
    }
    for (resource, wanted) in requests(pod) {
        let capacity = Quantity::of(&allocatable[&resource]).unwrap_or(Quantity::ZERO);
        let used = load.resources.get(&resource).copied().unwrap_or(Quantity::ZERO);
        if used.plus(wanted).exceeds(capacity) {
            obstacles.push(format!("Insufficient {resource}"));
        }
    }
    obstacles
}
