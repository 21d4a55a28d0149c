//! Nodes that fail: their kubelets fall silent, and their Pods are given up after a while.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MANAGER, events::Note, queue::Controller};
use crate::{
    kinds::{NODE, POD},
    object::{condition, is_terminating, items, name, remove, seconds, text},
    ownership::Writer,
    state::State,
    storage::Key,
    write::Propagation,
};

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const COMPONENT: &str = "node-controller";

impl State {
    /// Cuts a node off, or brings it back.
    pub fn set_node_failed(&mut self, node: &str, failed: bool) {
        let key = Key::new(&NODE, "", node);
        let Some(object) = self.get(&key) else { return };
        if failed {
            self.failed_nodes.insert(node.to_owned());
        } else {
            self.failed_nodes.remove(node);
        }
        let mut next = (*object).clone();
        let taints = items(&object["spec"]["taints"])
            .iter()
            .filter(|taint| taint["key"] != UNREACHABLE)
            .cloned();
        let mut taints: Vec<Value> = taints.collect();
        if failed {
            taints.push(json!({
                "key": UNREACHABLE, "effect": "NoExecute", "timeAdded": seconds(self.now),
            }));
        }
        if taints.is_empty() {
            remove(&mut next["spec"], "taints");
        } else {
            next["spec"]["taints"] = json!(taints);
        }
        next["status"]["conditions"] = self.node_conditions(failed);
        self.put(&key, next.clone());
        if failed {
            let message = format!("Node {node} status is now: NodeNotReady");
            self.tell(&next, &Note::normal(COMPONENT, "NodeNotReady", message));
            self.doubt_pods(node);
            self.wake(Controller::Node, key, self.timing.evict);
        } else {
            self.wake_pods_on(node);
        }
    }

    /// Gives up the Pods of a node that has not come back.
    pub(super) fn tend_node(&mut self, key: &Key) -> Option<Timestamp> {
        if !self.failed_nodes.contains(&key.name) {
            return None;
        }
        for place in self.pods_on(&key.name) {
            let Some(pod) = self.get(&place).filter(|pod| !is_terminating(pod)) else {
                continue;
            };
            let message = format!("Marking for deletion Pod {}/{}", place.namespace, name(&pod));
            let note = Note::normal("taint-eviction-controller", "TaintManagerEviction", message);
            self.tell(&pod, &note);
            self.discard(&place, Propagation::Background);
        }
        None
    }

    fn node_conditions(&self, failed: bool) -> Value {
        let now = seconds(self.now);
        let (status, reason, message) = if failed {
            let message = "Kubelet stopped posting node status.";
            ("Unknown", "NodeStatusUnknown", message)
        } else {
            ("True", "KubeletReady", "kubelet is posting ready status")
        };
        json!([{
            "type": "Ready",
            "status": status,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        }])
    }

    /// Nobody knows how the Pods of a lost node fare.
    fn doubt_pods(&mut self, node: &str) {
        for place in self.pods_on(node) {
            let Some(pod) = self.get(&place) else {
                continue;
            };
            if condition(&pod, "Ready")["status"] != "True" {
                continue;
            }
            let mut next = (*pod).clone();
            for condition in next["status"]["conditions"].as_array_mut().into_iter().flatten() {
                if condition["type"] == "Ready" {
                    condition["status"] = json!("False");
                    condition["lastTransitionTime"] = json!(seconds(self.now));
                }
            }
            self.write(&place, next, &Writer::status(MANAGER));
            let note = Note::warning(COMPONENT, "NodeNotReady", "Node is not ready".into());
            self.tell(&pod, &note);
        }
    }

    fn wake_pods_on(&mut self, node: &str) {
        for place in self.pods_on(node) {
            self.wake(Controller::Kubelet, place, Duration::ZERO);
        }
    }

    fn pods_on(&self, node: &str) -> Vec<Key> {
        self.storage
            .list(&POD, None)
            .filter(|(_, pod)| text(&pod["spec"]["nodeName"]) == node)
            .map(|(key, _)| key.clone())
            .collect()
    }
}
