use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CONTROLLER, replica_set::is_ready};
use crate::{
    kinds::{ENDPOINT_SLICE, NODE, POD, SERVICE},
    object::{
        controller_reference, is_controlled_by, is_empty, is_terminating, items, name, namespace,
        seconds, text, uid,
    },
    selectors::LabelSelector,
    state::State,
    storage::Key,
};

impl State {
    /// Keeps the EndpointSlice of a Service, rewriting it in place.
    pub(super) fn publish_endpoints(&mut self, key: &Key) -> Option<Timestamp> {
        let Some(service) = self.get(key) else {
            self.drop_legacy_endpoints(key);
            return None;
        };
        if is_terminating(&service) || is_empty(&service["spec"]["selector"]) {
            return None;
        }
        let selector = LabelSelector::of_map(&service["spec"]["selector"]);
        let pods: Vec<Arc<Value>> = self
            .storage
            .list(&POD, Some(&key.namespace))
            .map(|(_, pod)| pod)
            .filter(|pod| selector.matches(&pod["metadata"]["labels"]) && has_address(pod))
            .cloned()
            .collect();
        self.publish_legacy_endpoints(&service, &pods);
        let endpoints: Vec<Value> = pods.iter().map(|pod| self.endpoint(pod)).collect();
        let ports = match pods.first() {
            Some(pod) => ports(&service, pod),
            None => Value::Null,
        };
        let endpoints = if endpoints.is_empty() { Value::Null } else { json!(endpoints) };
        self.write_slice(&service, endpoints, ports);
        None
    }

    fn write_slice(&mut self, service: &Value, endpoints: Value, ports: Value) {
        let existing = self
            .storage
            .list(&ENDPOINT_SLICE, Some(namespace(service)))
            .find(|(_, slice)| is_controlled_by(slice, service))
            .map(|(key, slice)| (key.clone(), Arc::clone(slice)));
        let mut labels = service["metadata"]["labels"].clone();
        labels["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
        labels["kubernetes.io/service-name"] = json!(name(service));
        let trigger = json!({
            "endpoints.kubernetes.io/last-change-trigger-time": seconds(self.now),
        });
        let Some((key, slice)) = existing else {
            let slice = json!({
                "metadata": {
                    "generateName": format!("{}-", name(service)),
                    "labels": labels,
                    "annotations": trigger,
                    "ownerReferences": [controller_reference(&SERVICE, service)],
                },
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": ports,
            });
            if let Err(refusal) =
                self.create(&ENDPOINT_SLICE, namespace(service), slice, &CONTROLLER)
            {
                tracing::debug!(refusal = refusal.message(), "an EndpointSlice was refused");
            }
            return;
        };
        let metadata = &slice["metadata"];
        if slice["endpoints"] == endpoints
            && slice["ports"] == ports
            && metadata["labels"] == labels
        {
            return;
        }
        let mut next = (*slice).clone();
        next["metadata"]["labels"] = labels;
        next["metadata"]["annotations"] = trigger;
        next["endpoints"] = endpoints;
        next["ports"] = ports;
        self.write(&key, next, &CONTROLLER);
    }

    fn endpoint(&self, pod: &Value) -> Value {
        let ready = is_ready(pod);
        let terminating = is_terminating(pod);
        let node = text(&pod["spec"]["nodeName"]);
        let zone = self
            .storage
            .get(&Key::new(&NODE, "", node))
            .map(|node| node["metadata"]["labels"]["topology.kubernetes.io/zone"].clone());
        json!({
            "addresses": [pod["status"]["podIP"]],
            "conditions": {
                "ready": ready && !terminating,
                "serving": ready,
                "terminating": terminating,
            },
            "targetRef": {
                "kind": "Pod",
                "namespace": namespace(pod),
                "name": name(pod),
                "uid": uid(pod),
            },
            "nodeName": node,
            "zone": zone,
        })
    }
}

fn has_address(pod: &Value) -> bool {
    !text(&pod["status"]["podIP"]).is_empty()
        && !matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed")
}

/// The ports of a Service as this Pod has them; a named one may lead anywhere.
pub(super) fn ports(service: &Value, pod: &Value) -> Value {
    let resolved: Vec<Value> = items(&service["spec"]["ports"])
        .iter()
        .filter_map(|port| {
            let number = match &port["targetPort"] {
                Value::String(wanted) => container_port(pod, wanted)?,
                number => number.clone(),
            };
            let name = port.get("name").cloned().unwrap_or(json!(""));
            Some(json!({"name": name, "protocol": port["protocol"], "port": number}))
        })
        .collect();
    if resolved.is_empty() { Value::Null } else { json!(resolved) }
}

fn container_port(pod: &Value, wanted: &str) -> Option<Value> {
    items(&pod["spec"]["containers"])
        .iter()
        .flat_map(|container| items(&container["ports"]))
        .find(|port| text(&port["name"]) == wanted)
        .map(|port| port["containerPort"].clone())
}
