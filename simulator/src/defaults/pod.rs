use serde_json::{Value, json};

use crate::object::{default, entries, is_empty, items, text};

/// The defaults of a Pod's spec, in a template too.
pub(super) fn fill(spec: &mut Value) {
    default(spec, "restartPolicy", json!("Always"));
    default(spec, "terminationGracePeriodSeconds", json!(30));
    default(spec, "dnsPolicy", json!("ClusterFirst"));
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", json!("default-scheduler"));
    if !is_empty(&spec["serviceAccountName"]) {
        let account = spec["serviceAccountName"].clone();
        default(spec, "serviceAccount", account);
    }
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            fill_container(container);
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if let Some(source) = volume.get_mut(source) {
                default(source, "defaultMode", json!(420));
            }
        }
    }
}

fn fill_container(container: &mut Value) {
    default(container, "resources", json!({}));
    default(container, "terminationMessagePath", json!("/dev/termination-log"));
    default(container, "terminationMessagePolicy", json!("File"));
    let policy = pull_policy(text(&container["image"]));
    default(container, "imagePullPolicy", json!(policy));
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        default(port, "protocol", json!("TCP"));
    }
    for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            default(field, "apiVersion", json!("v1"));
        }
    }
    for probe in ["readinessProbe", "livenessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            fill_probe(probe);
        }
    }
}

fn fill_probe(probe: &mut Value) {
    for (field, value) in [
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ] {
        default(probe, field, json!(value));
    }
    if let Some(request) = probe.get_mut("httpGet") {
        default(request, "path", json!("/"));
        default(request, "scheme", json!("HTTP"));
    }
}

fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    let untagged = !name.contains(':') && !name.contains('@');
    if untagged || name.ends_with(":latest") { "Always" } else { "IfNotPresent" }
}

/// A Pod that limits a resource and requests none of it requests as much.
pub(super) fn requests_from_limits(spec: &mut Value) {
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten()
    {
        let limits = container["resources"]["limits"].clone();
        for (resource, limit) in entries(&limits) {
            default(&mut container["resources"]["requests"], resource, limit.clone());
        }
    }
}

pub(super) fn quality_of_service(spec: &Value) -> &'static str {
    let resources = || items(&spec["containers"]).iter().map(|container| &container["resources"]);
    let says_nothing = |list: &Value| is_empty(&list["cpu"]) && is_empty(&list["memory"]);
    if resources().all(|one| says_nothing(&one["limits"]) && says_nothing(&one["requests"])) {
        return "BestEffort";
    }
    let guaranteed = resources().all(|one| {
        ["cpu", "memory"].iter().all(|unit| {
            !one["limits"][*unit].is_null() && one["limits"][*unit] == one["requests"][*unit]
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}
