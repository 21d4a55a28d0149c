use domain::runtime::{Place, Rollout, Trouble};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::Client;

use crate::{find, observe, reason};

/// The pods are read after what makes them, and only where they can tell more.
pub(crate) async fn rollout(client: &Client, place: &Place) -> kube::Result<Option<Rollout>> {
    let Some(deployment) = find::find::<Deployment>(client, place).await? else {
        return Ok(None);
    };
    let pods = if needs_pods(&deployment) { find::pods(client, place).await? } else { Vec::new() };
    Ok(Some(judge(&deployment, &pods)))
}

/// Whether its pods can tell more than the Deployment itself.
pub(crate) fn needs_pods(deployment: &Deployment) -> bool {
    let wanted = observe::wanted(deployment);
    let runs = wanted > 0 && stands_as_specified(deployment, wanted);
    is_seen(deployment) && !runs
}

pub(crate) fn judge(deployment: &Deployment, pods: &[Pod]) -> Rollout {
    let wanted = observe::wanted(deployment);
    let complete = is_seen(deployment)
        && stands_as_specified(deployment, wanted)
        && (wanted > 0 || pods.iter().all(has_ended));
    let trouble = if complete { None } else { trouble(deployment, pods) };
    Rollout { complete, ready: observe::ready(deployment), wanted, trouble }
}

/// Whether the status is about the latest specification.
fn is_seen(deployment: &Deployment) -> bool {
    let seen = deployment.status.as_ref().and_then(|status| status.observed_generation);
    seen >= deployment.metadata.generation
}

fn stands_as_specified(deployment: &Deployment, wanted: i32) -> bool {
    let status = deployment.status.clone().unwrap_or_default();
    let replicas = status.replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    replicas == wanted && updated == wanted && status.available_replicas.unwrap_or(0) >= wanted
}

/// Whether nothing of the pod runs any more; its object may be kept for long.
pub(crate) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn trouble(deployment: &Deployment, pods: &[Pod]) -> Option<Trouble> {
    worst(pods).or_else(|| of_deployment(deployment))
}

/// What holds up the pod that is worst off.
pub(crate) fn worst(pods: &[Pod]) -> Option<Trouble> {
    let of_pods = pods
        .iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .filter_map(of_pod)
        .max_by_key(|(weight, _)| *weight);
    of_pods.map(|(_, trouble)| trouble)
}

/// A container that is killed for its memory again and again waits in `CrashLoopBackOff` most of
/// the time, which does not say why.
fn of_pod(pod: &Pod) -> Option<(reason::Weight, Trouble)> {
    let reason = reason::of_pod(pod)?;
    let ended = reason::last_termination(pod);
    let message = reason.message.clone().unwrap_or_default();
    if !reason.is_trouble() {
        // It has been started again and may end the same way.
        return ended.map(|reason| (reason::Weight::Ended, Trouble { reason, message }));
    }
    let killed = ended.filter(|ended| reason.reason == "CrashLoopBackOff" && ended == "OOMKilled");
    let shown = killed.unwrap_or(reason.reason);
    Some((reason.weight, Trouble { reason: shown, message }))
}

fn of_deployment(deployment: &Deployment) -> Option<Trouble> {
    let condition = reason::of_deployment(deployment).filter(|_| is_seen(deployment))?;
    Some(Trouble {
        reason: condition.reason.clone()?,
        message: condition.message.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(replicas: i32, status: &Value, pods: &[Value]) -> Rollout {
        let deployment = json!({
            "metadata": { "generation": 2 },
            "spec": { "replicas": replicas, "selector": {}, "template": {} },
            "status": status,
        });
        let deployment = serde_json::from_value(deployment).expect("it is a Deployment");
        let pods = pods.iter().map(|pod| serde_json::from_value(pod.clone()).expect("it is a Pod"));
        judge(&deployment, &pods.collect::<Vec<_>>())
    }

    fn reason(rollout: &Rollout) -> Option<&str> {
        rollout.trouble.as_ref().map(|trouble| trouble.reason.as_str())
    }

    fn pod(state: &Value, last: &Value) -> Value {
        json!({ "status": {
            "phase": "Running",
            "conditions": [{ "type": "Ready", "status": "False", "reason": "ContainersNotReady" }],
            "containerStatuses": [{
                "name": "app", "ready": false, "restartCount": 0, "image": "", "imageID": "",
                "state": state, "lastState": last,
            }],
        } })
    }

    fn ended(reason: &str) -> Value {
        json!({ "terminated": { "exitCode": 1, "reason": reason } })
    }

    fn waiting(reason: &str) -> Value {
        json!({ "waiting": { "reason": reason, "message": "why" } })
    }

    fn unschedulable() -> Value {
        json!({ "status": { "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4" },
        ] } })
    }

    #[test]
    fn it_is_complete_when_all_stand_updated_and_available() {
        let rollout = judged(
            2,
            &json!({
                "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2,
                "readyReplicas": 2, "availableReplicas": 2,
            }),
            &[],
        );

        let expected = Rollout { complete: true, ready: 2, wanted: 2, trouble: None };
        assert_eq!(rollout, expected);
    }

    #[test]
    fn it_is_not_while_something_lags() {
        let lags = [
            json!(null),
            json!({ "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1 }),
            json!({ "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2 }),
            json!({ "observedGeneration": 2, "replicas": 1, "availableReplicas": 1 }),
            json!({ "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1 }),
        ];
        for status in lags {
            assert!(!judged(1, &status, &[]).complete, "{status}");
        }
    }

    #[test]
    fn a_stop_is_complete_when_nothing_runs() {
        let status = json!({ "observedGeneration": 2 });
        let leaving = json!({ "metadata": { "deletionTimestamp": "2026-11-21T12:51:05Z" } });
        let evicted = json!({ "status": { "phase": "Failed", "reason": "Evicted" } });

        assert!(judged(0, &status, &[]).complete);
        assert!(judged(0, &status, &[evicted]).complete);
        assert!(!judged(0, &status, &[leaving]).complete);
    }

    #[test]
    fn the_worst_pod_speaks() {
        let crash = pod(&waiting("CrashLoopBackOff"), &ended("Error"));
        let crashed = pod(&ended("Error"), &json!({}));
        let creating = pod(&waiting("ContainerCreating"), &json!({}));
        let rollout = |pods: &[Value]| judged(3, &json!(null), pods);

        assert_eq!(reason(&rollout(&[unschedulable(), creating.clone()])), Some("Unschedulable"));
        assert_eq!(reason(&rollout(&[unschedulable(), crashed.clone()])), Some("Error"));
        assert_eq!(reason(&rollout(&[crashed, crash, creating.clone()])), Some("CrashLoopBackOff"));
        assert_eq!(reason(&rollout(&[creating])), None);
    }

    #[test]
    fn a_crash_loop_for_want_of_memory_says_so() {
        let rollout =
            judged(1, &json!(null), &[pod(&waiting("CrashLoopBackOff"), &ended("OOMKilled"))]);

        let expected = Trouble { reason: "OOMKilled".to_owned(), message: "why".to_owned() };
        assert_eq!(rollout.trouble, Some(expected));
    }

    #[test]
    fn a_container_that_was_started_again_still_tells_how_it_ended() {
        let again = pod(&json!({ "running": {} }), &ended("Error"));

        assert_eq!(reason(&judged(1, &json!(null), &[again])), Some("Error"));
    }

    #[test]
    fn the_deployment_speaks_where_no_pod_does() {
        let status = |generation: i32| {
            json!({
                "observedGeneration": generation,
                "conditions": [{
                    "type": "ReplicaFailure", "status": "True",
                    "reason": "FailedCreate", "message": "exceeded quota",
                }],
            })
        };

        assert_eq!(reason(&judged(1, &status(2), &[])), Some("FailedCreate"));
        assert_eq!(reason(&judged(1, &status(1), &[])), None);
        assert_eq!(reason(&judged(1, &status(2), &[unschedulable()])), Some("Unschedulable"));
    }
}
