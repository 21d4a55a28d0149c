use serde_json::{Value, json};

use super::CONTROLLER;
use crate::{
    kinds::{Kind, NAMESPACE, NODE},
    object::seconds,
    state::State,
};

impl State {
    /// What a cluster has before anyone has asked for anything.
    pub fn bootstrap(&mut self) {
        for name in ["default", "kube-system"] {
            self.found(&NAMESPACE, json!({"metadata": {"name": name}}));
        }
        let small = json!({"cpu": "32", "memory": "128Gi", "pods": "500"});
        let large = json!({"cpu": "64", "memory": "256Gi", "pods": "500", "nvidia.com/gpu": "4"});
        for (index, (name, zone, capacity)) in
            [("node-0", "a", &small), ("node-1", "b", &small), ("gpu-0", "a", &large)]
                .into_iter()
                .enumerate()
        {
            let node = self.node(name, zone, &format!("10.200.0.{}", index + 2), capacity);
            self.found(&NODE, node);
        }
    }

    fn found(&mut self, kind: &'static Kind, object: Value) {
        if let Err(refusal) = self.create(kind, "", object, &CONTROLLER) {
            tracing::error!(refusal = refusal.message(), "the cluster starts incomplete");
        }
    }

    fn node(&self, name: &str, zone: &str, address: &str, capacity: &Value) -> Value {
        let now = seconds(self.now);
        json!({
            "metadata": {"name": name, "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": "region-1",
                "topology.kubernetes.io/zone": format!("region-1{zone}"),
            }},
            "spec": {},
            "status": {
                "capacity": capacity,
                "allocatable": capacity,
                "addresses": [
                    {"type": "InternalIP", "address": address},
                    {"type": "Hostname", "address": name},
                ],
                "conditions": [{
                    "type": "Ready",
                    "status": "True",
                    "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                    "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                }],
                "nodeInfo": {
                    "architecture": "amd64",
                    "operatingSystem": "linux",
                    "kubeletVersion": "v1.36.2",
                    "containerRuntimeVersion": "simulated://1",
                },
            },
        })
    }
}
