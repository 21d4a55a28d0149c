//! What the cluster shows, in the domain's words. An object that names no instance of ours shows
//! nothing. What other objects say about one is added where they are watched.

use domain::runtime::{ObservedObject, ObservedWorkload, Owner, Part, Pod};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1,
};
use kube::{Resource, ResourceExt};
use serde::Serialize;

use crate::{drift, labels, reason};

pub(crate) fn workload(deployment: &Deployment) -> Option<ObservedWorkload> {
    let owner = Owner::Instance(labels::instance_id(&deployment.metadata)?);
    let failure = reason::of_deployment(deployment);
    let telling = failure.or_else(|| reason::deployment_condition(deployment, "Available"));
    Some(ObservedWorkload {
        owner,
        ready_replicas: ready(deployment),
        total_replicas: wanted(deployment),
        message: telling.and_then(|condition| condition.message.clone()),
        error_reason: failure.and_then(|condition| condition.reason.clone()),
        ready_endpoints: None,
        intact: drift::is_intact(deployment),
    })
}

/// What a search cluster's StatefulSet shows: conditions it has none.
pub(crate) fn stateful_set(set: &StatefulSet) -> Option<ObservedWorkload> {
    let owner = labels::owner(&set.metadata).filter(|owner| matches!(owner, Owner::Cluster(_)))?;
    let status = set.status.clone().unwrap_or_default();
    Some(ObservedWorkload {
        owner,
        ready_replicas: status.ready_replicas.unwrap_or(0),
        total_replicas: set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1),
        message: None,
        error_reason: None,
        ready_endpoints: None,
        intact: true,
    })
}

/// How many replicas the specification asks for.
pub(crate) fn wanted(deployment: &Deployment) -> i32 {
    deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

pub(crate) fn ready(deployment: &Deployment) -> i32 {
    deployment.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0)
}

pub(crate) fn pod(pod: &v1::Pod) -> Option<Pod> {
    let owner = labels::owner(&pod.metadata)?;
    let status = pod.status.clone().unwrap_or_default();
    let (reason, message) = trouble(pod);
    Some(Pod {
        uid: pod.uid()?,
        owner,
        name: pod.name_any(),
        namespace: pod.namespace().unwrap_or_default(),
        ready: reason::condition(&status, "Ready").is_some_and(|ready| ready.status == "True"),
        restarts: status.container_statuses.iter().flatten().map(|it| it.restart_count).sum(),
        phase: status.phase.unwrap_or_else(|| "Unknown".to_owned()),
        node: pod.spec.as_ref().and_then(|spec| spec.node_name.clone()),
        ip: status.pod_ip,
        reason,
        message,
        last_termination: reason::last_termination(pod),
        last_exit_code: reason::last_exit_code(pod),
        started_at: status.start_time.map(|time| time.0),
        revision: None,
        evidence: Vec::new(),
    })
}

/// A Service or an Ingress.
pub(crate) fn object<K: Resource + Serialize>(object: &K, part: Part) -> Option<ObservedObject> {
    let instance_id = labels::instance_id(object.meta())?;
    Some(ObservedObject { instance_id, part, intact: drift::is_intact(object) })
}

fn trouble(pod: &v1::Pod) -> (Option<String>, Option<String>) {
    if pod.metadata.deletion_timestamp.is_some() {
        return (Some("Terminating".to_owned()), None);
    }
    match reason::of_pod(pod) {
        Some(it) => (Some(it.reason), it.message),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const INSTANCE: &str = "inst_0197c2a4b1e87d02a3c45e6f70819203";

    fn seen_pod(status: &Value) -> Pod {
        let object = json!({
            "metadata": {
                "name": "web-5d-x",
                "namespace": "acme",
                "uid": "u-1",
                "labels": { "slipway.io/instance": INSTANCE },
            },
            "spec": { "containers": [], "nodeName": "node-1" },
            "status": status,
        });
        pod(&serde_json::from_value(object).expect("it is a Pod")).expect("it is ours")
    }

    fn seen_workload(status: &Value) -> ObservedWorkload {
        let object = json!({
            "metadata": { "labels": { "slipway.io/instance": INSTANCE } },
            "spec": { "replicas": 3, "selector": {}, "template": {} },
            "status": status,
        });
        workload(&serde_json::from_value(object).expect("it is a Deployment")).expect("it is ours")
    }

    fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({ "type": kind, "status": status, "reason": reason, "message": message })
    }

    #[test]
    fn a_running_pod_shows_where_and_since_when() {
        let pod = seen_pod(&json!({
            "phase": "Running",
            "podIP": "10.64.0.9",
            "startTime": "2026-11-21T12:51:05Z",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "app", "ready": true, "restartCount": 2, "image": "", "imageID": "",
                "state": { "running": { "startedAt": "2026-11-21T12:51:06Z" } },
                "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
            }],
        }));

        assert_eq!(
            json!(pod),
            json!({
                "uid": "u-1",
                "owner": INSTANCE,
                "name": "web-5d-x",
                "namespace": "acme",
                "phase": "Running",
                "ready": true,
                "restarts": 2,
                "node": "node-1",
                "ip": "10.64.0.9",
                "reason": null,
                "message": null,
                "lastTermination": "OOMKilled",
                "lastExitCode": 137,
                "evidence": [],
                "revision": null,
                "startedAt": "2026-11-21T12:51:05Z",
            })
        );
    }

    #[test]
    fn a_container_says_more_than_a_condition() {
        let pod = seen_pod(&json!({
            "phase": "Pending",
            "conditions": [condition("Ready", "False", "ContainersNotReady", "unready: [app]")],
            "containerStatuses": [{
                "name": "app", "ready": false, "restartCount": 0, "image": "", "imageID": "",
                "state": { "waiting": { "reason": "ImagePullBackOff", "message": "not found" } },
                "lastState": {},
            }],
        }));

        assert_eq!(pod.reason.as_deref(), Some("ImagePullBackOff"));
        assert_eq!(pod.message.as_deref(), Some("not found"));
        assert_eq!(pod.last_termination, None);
    }

    #[test]
    fn an_ended_container_tells_how() {
        let pod = seen_pod(&json!({
            "phase": "Running",
            "containerStatuses": [{
                "name": "app", "ready": false, "restartCount": 1, "image": "", "imageID": "",
                "state": { "terminated": { "exitCode": 2, "reason": "Error" } },
                "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } },
            }],
        }));

        assert_eq!(pod.reason.as_deref(), Some("Error"));
        assert_eq!(pod.message.as_deref(), Some("exit code 2"));
        assert_eq!(pod.last_termination.as_deref(), Some("Error"));
    }

    #[test]
    fn a_pod_without_a_node_says_what_it_lacks() {
        let pod = seen_pod(&json!({
            "phase": "Pending",
            "conditions": [condition("PodScheduled", "False", "Unschedulable", "0/4 nodes")],
        }));

        assert_eq!(pod.reason.as_deref(), Some("Unschedulable"));
        assert_eq!(pod.message.as_deref(), Some("0/4 nodes"));
    }

    #[test]
    fn a_pod_on_its_way_out_says_so() {
        let pod = pod(&serde_json::from_value(json!({
            "metadata": {
                "uid": "u-1",
                "labels": { "slipway.io/instance": INSTANCE },
                "deletionTimestamp": "2026-11-21T12:51:05Z",
            },
            "status": { "phase": "Running" },
        }))
        .expect("it is a Pod"))
        .expect("it is ours");

        assert_eq!((pod.phase.as_str(), pod.reason.as_deref()), ("Running", Some("Terminating")));
    }

    #[test]
    fn a_workload_shows_the_failure_before_its_availability() {
        let available = condition("Available", "False", "MinimumReplicasUnavailable", "too few");
        let hung = condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out");
        let refused = condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota");

        let calm = seen_workload(&json!({ "readyReplicas": 1, "conditions": [available] }));
        let late = seen_workload(&json!({ "conditions": [available, hung] }));
        let poor = seen_workload(&json!({ "conditions": [available, hung, refused] }));

        assert_eq!((calm.ready_replicas, calm.total_replicas), (1, 3));
        assert_eq!((calm.message.as_deref(), calm.error_reason), (Some("too few"), None));
        assert_eq!(late.error_reason.as_deref(), Some("ProgressDeadlineExceeded"));
        assert_eq!(poor.error_reason.as_deref(), Some("FailedCreate"));
        assert_eq!(poor.message.as_deref(), Some("exceeded quota"));
    }

    #[test]
    fn what_names_no_instance_is_not_ours() {
        let stray = json!({ "metadata": { "uid": "u", "labels": { "slipway.io/instance": "?" } } });

        assert_eq!(pod(&serde_json::from_value(stray).expect("it is a Pod")), None);
        assert_eq!(workload(&Deployment::default()), None);
    }
}
