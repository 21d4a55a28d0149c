use domain::{
    delivery::{JobName, JobState},
    runtime::Trouble,
};
use k8s_openapi::api::{
    batch::v1::{Job, JobCondition},
    core::v1::{ContainerStateTerminated, Event, Pod},
};
use kube::{Api, Client, ResourceExt, api::ListParams};
use serde::Deserialize;

use super::{find, jobs::is_leaving};
use crate::{find::list, limit::limited, reason};

/// Of the pods of one Job, and of no other one that had its name.
const CONTROLLER: &str = "batch.kubernetes.io/controller-uid";
const COMPLETE: &str = "Complete";
const FAILED: &str = "Failed";
const TOO_LATE: &str = "DeadlineExceeded";

pub(super) async fn state(client: &Client, name: &JobName) -> kube::Result<Option<JobState>> {
    let JobName { namespace, name } = name;
    let found = find::any::<Job>(client, namespace, name).await?;
    let Some(job) = found.filter(|job| !is_leaving(job)) else {
        return Ok(None);
    };
    let uid = job.uid().unwrap_or_default();
    let pods = list::<Pod>(client, namespace, &format!("{CONTROLLER}={uid}")).await?;
    let state = judge(&job, &pods);
    if pods.is_empty() && state == (JobState::Running { trouble: None }) {
        let trouble = refusal(client, namespace, &uid).await?;
        return Ok(Some(JobState::Running { trouble }));
    }
    Ok(Some(state))
}

pub(super) fn is_over(job: &Job) -> bool {
    [COMPLETE, FAILED].iter().any(|kind| condition(job, kind).is_some())
}

fn judge(job: &Job, pods: &[Pod]) -> JobState {
    let ends: Vec<&ContainerStateTerminated> = pods.iter().filter_map(end).collect();
    if condition(job, COMPLETE).is_some() {
        let well = ends.iter().find(|end| end.exit_code == 0);
        return JobState::Succeeded { output: well.and_then(|end| output(end)) };
    }
    match condition(job, FAILED) {
        Some(verdict) => failed(verdict, ends.into_iter().find(|end| end.exit_code != 0)),
        None => JobState::Running { trouble: pods.iter().find_map(trouble) },
    }
}

/// What a container says tells more than that there were too many failures, but one that was ended
/// at the deadline does not know why.
fn failed(verdict: &JobCondition, end: Option<&ContainerStateTerminated>) -> JobState {
    let of_job = Trouble {
        reason: verdict.reason.clone().unwrap_or_else(|| "Failed".to_owned()),
        message: verdict.message.clone().unwrap_or_default(),
    };
    let exit_code = end.map(|end| end.exit_code);
    let trouble = match end {
        Some(end) if of_job.reason != TOO_LATE => Trouble {
            reason: reason::ending(end),
            message: end.message.clone().unwrap_or_default(),
        },
        _ => of_job,
    };
    JobState::Failed { exit_code, trouble }
}

fn condition<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True")
}

/// How the pod's container ended.
fn end(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find_map(|status| status.state.as_ref()?.terminated.as_ref())
}

/// What holds a pod up that has not ended.
fn trouble(pod: &Pod) -> Option<Trouble> {
    let waits = reason::of_pod(pod).filter(|it| it.is_trouble() && end(pod).is_none())?;
    Some(Trouble { reason: waits.reason, message: waits.message.unwrap_or_default() })
}

/// What BuildKit leaves is a document about the image.
fn output(end: &ContainerStateTerminated) -> Option<String> {
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "containerimage.digest")]
        digest: String,
    }
    let message = end.message.as_ref()?.trim();
    let metadata = serde_json::from_str::<Metadata>(message);
    Some(metadata.map_or_else(|_| message.to_owned(), |metadata| metadata.digest))
}

/// Why the Job gets no pod: nothing but an event tells.
async fn refusal(client: &Client, namespace: &str, uid: &str) -> kube::Result<Option<Trouble>> {
    let about = format!("involvedObject.uid={uid},type=Warning");
    let events = Api::<Event>::namespaced(client.clone(), namespace);
    let found = limited(events.list(&ListParams::default().fields(&about))).await?;
    let last = found.items.into_iter().max_by_key(|event| event.last_timestamp.clone());
    Ok(last.map(|event| Trouble {
        reason: event.reason.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(conditions: &Value, pods: &[Value]) -> JobState {
        let job = json!({ "metadata": {}, "status": { "conditions": conditions } });
        let pods = pods.iter().map(|pod| serde_json::from_value(pod.clone()).expect("it is a Pod"));
        let job = serde_json::from_value(job).expect("it is a Job");
        judge(&job, &pods.collect::<Vec<_>>())
    }

    fn verdict(kind: &str, reason: &str) -> Value {
        json!([{ "type": kind, "status": "True", "reason": reason, "message": "why" }])
    }

    fn pod(state: &Value) -> Value {
        json!({ "status": { "containerStatuses": [{
            "name": "build", "ready": false, "restartCount": 0, "image": "", "imageID": "",
            "state": state,
        }] } })
    }

    fn ended(code: i32, message: &str) -> Value {
        let reason = if code == 0 { "Completed" } else { "Error" };
        pod(&json!({ "terminated": { "exitCode": code, "reason": reason, "message": message } }))
    }

    fn trouble(reason: &str, message: &str) -> Trouble {
        Trouble { reason: reason.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn the_message_of_a_success_is_its_output_and_a_digest_is_taken_out() {
        let complete = verdict("Complete", "CompletionsReached");
        let metadata = json!({ "containerimage.digest": "sha256:c0", "image.name": "a" });

        let plain = judged(&complete, &[ended(0, "sha256:ab\n")]);
        let described = judged(&complete, &[ended(0, &metadata.to_string())]);
        let gone = judged(&complete, &[]);

        assert_eq!(plain, JobState::Succeeded { output: Some("sha256:ab".to_owned()) });
        assert_eq!(described, JobState::Succeeded { output: Some("sha256:c0".to_owned()) });
        assert_eq!(gone, JobState::Succeeded { output: None });
    }

    #[test]
    fn a_failure_is_told_by_its_container_but_a_deadline_by_the_job() {
        let worn_out = judged(&verdict("Failed", "BackoffLimitExceeded"), &[ended(3, "no\n")]);
        let late = judged(&verdict("Failed", "DeadlineExceeded"), &[ended(143, "")]);
        let lost = judged(&verdict("Failed", "BackoffLimitExceeded"), &[]);

        let failed = |exit_code, trouble| JobState::Failed { exit_code, trouble };
        assert_eq!(worn_out, failed(Some(3), trouble("Error", "no\n")));
        assert_eq!(late, failed(Some(143), trouble("DeadlineExceeded", "why")));
        assert_eq!(lost, failed(None, trouble("BackoffLimitExceeded", "why")));
    }

    #[test]
    fn what_is_announced_is_not_concluded() {
        let waits = json!({ "waiting": { "reason": "ImagePullBackOff", "message": "not found" } });

        let announced = judged(&verdict("FailureTarget", "BackoffLimitExceeded"), &[ended(1, "")]);
        let pulling = judged(&json!([]), &[pod(&waits)]);

        assert_eq!(announced, JobState::Running { trouble: None });
        let expected = Some(trouble("ImagePullBackOff", "not found"));
        assert_eq!(pulling, JobState::Running { trouble: expected });
    }
}
