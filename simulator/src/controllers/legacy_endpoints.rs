//! The `Endpoints` that came before EndpointSlices, one object for each Service.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{CONTROLLER, endpoints::ports, replica_set::is_ready};
use crate::{
    kinds::{ENDPOINTS, SERVICE},
    object::{is_empty, is_terminating, items, name, namespace, remove, seconds, text, uid},
    state::State,
    storage::Key,
};

impl State {
    pub(super) fn publish_legacy_endpoints(&mut self, service: &Value, pods: &[Arc<Value>]) {
        let key = Key::new(&ENDPOINTS, namespace(service), name(service));
        let subsets = subsets(service, pods);
        let mut labels = service["metadata"]["labels"].clone();
        labels["endpoints.kubernetes.io/managed-by"] = json!("endpoint-controller");
        let former = self.get(&key);
        if former.as_ref().is_some_and(|former| {
            former["subsets"] == subsets && former["metadata"]["labels"] == labels
        }) {
            return;
        }
        let mut next = former.as_ref().map_or(json!({}), |former| (**former).clone());
        next["metadata"]["name"] = json!(key.name);
        next["metadata"]["labels"] = labels;
        next["metadata"]["annotations"] =
            json!({"endpoints.kubernetes.io/last-change-trigger-time": seconds(self.now)});
        next["subsets"] = subsets;
        if former.is_some() {
            return self.write(&key, next, &CONTROLLER);
        }
        if let Err(refusal) = self.create(&ENDPOINTS, namespace(service), next, &CONTROLLER) {
            tracing::debug!(refusal = refusal.message(), "Endpoints were refused");
        }
    }

    /// Takes the Endpoints of a Service that has gone.
    pub(super) fn drop_legacy_endpoints(&mut self, service: &Key) {
        debug_assert!(*service.kind == SERVICE);
        let key = Key::new(&ENDPOINTS, &service.namespace, &service.name);
        if let Some(last) = self.get(&key) {
            self.remove(&key, (*last).clone());
        }
    }
}

fn subsets(service: &Value, pods: &[Arc<Value>]) -> Value {
    let all = service["spec"]["publishNotReadyAddresses"] == true;
    let (ready, unready): (Vec<&Arc<Value>>, Vec<&Arc<Value>>) =
        pods.iter().partition(|pod| all || is_ready(pod) && !is_terminating(pod));
    let addresses = |pods: &[&Arc<Value>]| pods.iter().map(|pod| address(pod)).collect::<Value>();
    let mut subset = json!({});
    if !ready.is_empty() {
        subset["addresses"] = addresses(&ready);
    }
    if !unready.is_empty() {
        subset["notReadyAddresses"] = addresses(&unready);
    }
    let Some(pod) = pods.first() else { return Value::Null };
    let mut ports = ports(service, pod);
    for port in ports.as_array_mut().into_iter().flatten() {
        if is_empty(&port["name"]) {
            remove(port, "name");
        }
    }
    if !items(&ports).is_empty() {
        subset["ports"] = ports;
    }
    json!([subset])
}

fn address(pod: &Value) -> Value {
    json!({
        "ip": pod["status"]["podIP"],
        "nodeName": text(&pod["spec"]["nodeName"]),
        "targetRef": {
            "kind": "Pod",
            "namespace": namespace(pod),
            "name": name(pod),
            "uid": uid(pod),
        },
    })
}
