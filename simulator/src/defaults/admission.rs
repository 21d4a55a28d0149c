//! What is settled once, when an object is made.

use serde_json::{Value, json};

use crate::{
    kinds::{CLAIM, Kind, NAMESPACE, POD, SERVICE},
    object::{default, is_empty, items, map_mut, text},
    state::State,
};

const TOKEN_MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl State {
    /// Addresses, accounts, tokens and tolerations.
    pub fn complete(&mut self, kind: &Kind, object: &mut Value) {
        if *kind == SERVICE {
            self.give_addresses(&mut object["spec"]);
        } else if *kind == POD {
            self.complete_pod(&mut object["spec"]);
        } else if *kind == NAMESPACE {
            object["spec"]["finalizers"] = json!(["kubernetes"]);
        } else if *kind == CLAIM {
            protect(object);
            default(&mut object["spec"], "storageClassName", json!("standard"));
        }
    }

    fn give_addresses(&mut self, spec: &mut Value) {
        if spec["type"] == "ExternalName" {
            return;
        }
        if is_empty(&spec["clusterIP"]) {
            spec["clusterIP"] = json!(self.address("10.96"));
        }
        let address = spec["clusterIP"].clone();
        default(spec, "clusterIPs", json!([address]));
        if matches!(text(&spec["type"]), "LoadBalancer" | "NodePort") {
            let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten() {
                let number = 30_000 + self.ids.next() % 2_768;
                default(port, "nodePort", json!(number));
            }
        }
    }

    fn complete_pod(&mut self, spec: &mut Value) {
        default(spec, "serviceAccountName", json!("default"));
        let account = spec["serviceAccountName"].clone();
        default(spec, "serviceAccount", account);
        default(spec, "priority", json!(0));
        default(spec, "preemptionPolicy", json!("PreemptLowerPriority"));
        tolerate_lost_nodes(spec);
        if spec["automountServiceAccountToken"] != false {
            mount_token(spec, &format!("kube-api-access-{}", self.ids.suffix()));
        }
    }
}

/// A claim stays as long as a Pod uses it.
fn protect(claim: &mut Value) {
    let mut finalizers = items(&claim["metadata"]["finalizers"]).to_vec();
    finalizers.push(json!("kubernetes.io/pvc-protection"));
    claim["metadata"]["finalizers"] = Value::Array(finalizers);
}

fn tolerate_lost_nodes(spec: &mut Value) {
    let mut tolerations = items(&spec["tolerations"]).to_vec();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerations.iter().any(|toleration| toleration["key"] == key) {
            tolerations.push(json!({
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }));
        }
    }
    spec["tolerations"] = Value::Array(tolerations);
}

fn mount_token(spec: &mut Value, volume: &str) {
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = map_mut(container).entry("volumeMounts").or_insert(json!([]));
            if let Some(mounts) = mounts.as_array_mut() {
                mounts.push(json!({"name": volume, "readOnly": true, "mountPath": TOKEN_MOUNT}));
            }
        }
    }
    let volumes = map_mut(spec).entry("volumes").or_insert(json!([]));
    if let Some(volumes) = volumes.as_array_mut() {
        volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {
                "name": "kube-root-ca.crt",
                "items": [{"key": "ca.crt", "path": "ca.crt"}],
            }},
            {"downwardAPI": {"items": [{
                "path": "namespace",
                "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
            }]}},
        ]}}));
    }
}
