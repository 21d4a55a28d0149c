//! What the watch has to say to the tasks of a deployment: that now is the time to look. Of what
//! goes as it should, they look at the end alone.

use domain::ids::DeploymentId;
use k8s_openapi::api::{apps::v1::Deployment, batch::v1::Job, core::v1::Pod};

use super::{job_state, jobs, labels};
use crate::{reason, rollout};

pub(crate) fn of_job(job: &Job) -> Option<DeploymentId> {
    labels::deployment_id(&job.metadata).filter(|_| job_state::is_over(job))
}

pub(crate) fn of_release(deployment: &Deployment) -> Option<DeploymentId> {
    let complete = || rollout::judge(deployment, &[]).complete;
    let settled = complete() || reason::of_deployment(deployment).is_some();
    labels::deployment_id(&deployment.metadata).filter(|_| settled)
}

pub(crate) fn of_pod(pod: &Pod) -> Option<DeploymentId> {
    let troubled = reason::of_pod(pod).is_some_and(|reason| reason.is_trouble());
    labels::deployment_id(&pod.metadata).filter(|_| troubled)
}

/// Nobody waits for one that goes with its Job after its end.
pub(crate) fn of_pod_gone(pod: &Pod) -> Option<DeploymentId> {
    let waited_for = !(jobs::is_of_a_job(pod) && jobs::has_ended(pod));
    labels::deployment_id(&pod.metadata).filter(|_| waited_for)
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    const DEPLOYMENT: &str = "dep_0197c2a4b1e87d02a3c45e6f70819205";

    fn of<K: DeserializeOwned>(status: &Value) -> K {
        let labels = json!({ "slipway.io/deployment": DEPLOYMENT });
        let object = json!({
            "metadata": { "labels": labels, "generation": 1 },
            "spec": { "replicas": 1, "selector": {}, "template": {}, "containers": [] },
            "status": status,
        });
        serde_json::from_value(object).expect("it is one")
    }

    fn condition(kind: &str, status: &str, reason: &str) -> Value {
        json!({ "conditions": [{ "type": kind, "status": status, "reason": reason }] })
    }

    #[test]
    fn a_job_is_news_once_it_is_over() {
        let news = |status: &Value| of_job(&of(status)).is_some();

        assert!(news(&condition("Complete", "True", "")) && news(&condition("Failed", "True", "")));
        assert!(!news(&json!({ "active": 1 })) && !news(&condition("FailureTarget", "True", "")));
    }

    #[test]
    fn a_release_is_news_once_it_stands_or_cannot() {
        let news = |status: &Value| of_release(&of(status)).is_some();

        let mut complete = condition("Available", "True", "MinimumReplicasAvailable");
        for count in ["observedGeneration", "replicas", "updatedReplicas", "availableReplicas"] {
            complete[count] = json!(1);
        }
        assert!(news(&complete));
        assert!(news(&condition("Progressing", "False", "ProgressDeadlineExceeded")));
        assert!(!news(&json!({ "observedGeneration": 1, "replicas": 1 })));
    }

    #[test]
    fn a_pod_is_news_when_it_is_in_trouble_or_gone() {
        let ready = condition("Ready", "False", "ContainersNotReady");
        let stuck = condition("PodScheduled", "False", "Unschedulable");

        assert!(of_pod(&of(&ready)).is_none() && of_pod(&of(&stuck)).is_some());
        assert!(of_pod_gone(&of(&ready)).is_some());
    }

    #[test]
    fn a_pod_that_goes_with_its_job_is_news_only_where_it_has_not_ended() {
        let gone = |phase: &str| {
            let mut pod: Pod = of(&json!({ "phase": phase }));
            let job = json!({ "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "u" });
            let owner = serde_json::from_value(job).expect("it is one");
            pod.metadata.owner_references = Some(vec![owner]);
            of_pod_gone(&pod).is_some()
        };

        assert!(gone("Running") && !gone("Succeeded") && !gone("Failed"));
    }
}
