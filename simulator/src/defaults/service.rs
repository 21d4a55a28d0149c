use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::object::{default, remove, text};

pub(super) fn fill(object: &mut Value) {
    let spec = &mut object["spec"];
    default(spec, "type", json!("ClusterIP"));
    default(spec, "sessionAffinity", json!("None"));
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        default(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        default(port, "targetPort", number);
    }
    if spec["type"] == "ExternalName" {
        return;
    }
    default(spec, "internalTrafficPolicy", json!("Cluster"));
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", json!("SingleStack"));
    if matches!(text(&spec["type"]), "LoadBalancer" | "NodePort") {
        default(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if spec["type"] == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
    if text(&spec["clusterIP"]) == "None" {
        default(spec, "clusterIPs", json!(["None"]));
    }
}

/// Folds `stringData` into `data`.
pub(super) fn secret(object: &mut Value) {
    default(object, "type", json!("Opaque"));
    let Some(Value::Object(texts)) = remove(object, "stringData") else {
        return;
    };
    for (key, value) in texts {
        object["data"][key.as_str()] = json!(STANDARD.encode(text(&value)));
    }
}
