use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    tally::Tally,
    verdict::{Verdict, deadline, is_over},
};
use crate::{
    clock::later,
    controllers::{
        CONTROLLER, MANAGER,
        events::Note,
        replica_set::{pod_from_template, put_counts},
    },
    kinds::{JOB, POD},
    object::{
        condition, controller_reference, has_finalizer, int, is_terminating, items, key as key_of,
        moment, name, namespace, seconds,
    },
    state::State,
    storage::Key,
    write::Propagation,
};

pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const COMPONENT: &str = "job-controller";
const BACK_OFF: Duration = Duration::from_secs(10);
const BACK_OFF_LIMIT: Duration = Duration::from_secs(600);

impl State {
    /// Takes a Job one step on.
    pub(in crate::controllers) fn run_job(&mut self, key: &Key) -> Option<Timestamp> {
        let living = self.get(key).filter(|job| !is_terminating(job));
        let Some(job) = living else {
            self.untrack_all(key);
            return None;
        };
        if is_over(&job) {
            return self.remove_when_old(key, &job);
        }
        let pods = self.pods_of(&job);
        let tally = Tally::of(&job, &pods);
        let verdict = Verdict::of(&job, &tally, self.now);
        let mut due = None;
        if let Some(verdict) = verdict {
            self.end_pods(&job, &tally);
            self.report_job(key, Some(verdict), false);
        } else if job["spec"]["suspend"] == true {
            self.end_pods(&job, &tally);
        } else {
            due = self.fill_up(&job, &tally);
        }
        self.report_job(key, verdict, false);
        self.count_finished(key);
        self.report_job(key, verdict, true);
        let deadline = self.get(key).and_then(|job| deadline(&job));
        let waits = due.into_iter().chain(deadline);
        waits.filter(|at| *at > self.now).min()
    }

    /// Makes the Pods that are wanting, unless it is too soon after a failure.
    fn fill_up(&mut self, job: &Value, tally: &Tally) -> Option<Timestamp> {
        let parallel = int(&job["spec"]["parallelism"]);
        let left = match job["spec"]["completions"].as_i64() {
            Some(wanted) => wanted - tally.succeeded,
            None if tally.succeeded > 0 => 0,
            None => parallel,
        };
        let missing = left.min(parallel) - tally.active.len() as i64;
        if missing <= 0 {
            return None;
        }
        if let Some(ready) = tally.last_failure.map(|last| later(last, back_off(tally.failed)))
            && ready > self.now
        {
            return Some(ready);
        }
        for _ in 0..missing {
            let mut pod = pod_from_template(job, &controller_reference(&JOB, job));
            pod["metadata"]["finalizers"] = json!([TRACKING]);
            match self.create(&POD, namespace(job), pod, &CONTROLLER) {
                Ok(pod) => {
                    let message = format!("Created pod: {}", name(&pod));
                    self.tell(job, &Note::normal(COMPONENT, "SuccessfulCreate", message));
                }
                Err(refusal) => {
                    let message = format!("Error creating: {}", refusal.message());
                    self.tell(job, &Note::warning(COMPONENT, "FailedCreate", message));
                    return Some(later(self.now, self.timing.retry));
                }
            }
        }
        None
    }

    fn end_pods(&mut self, job: &Value, tally: &Tally) {
        for pod in &tally.active {
            self.discard(&key_of(&POD, pod), Propagation::Background);
            let message = format!("Deleted pod: {}", name(pod));
            self.tell(job, &Note::normal(COMPONENT, "SuccessfulDelete", message));
        }
    }

    /// Writes the status; once `concludes`, also that the Job is over.
    fn report_job(&mut self, key: &Key, verdict: Option<Verdict>, concludes: bool) {
        let Some(job) = self.get(key) else { return };
        let pods = self.pods_of(&job);
        let tally = Tally::of(&job, &pods);
        let former = &job["status"];
        let mut status = json!({
            "terminating": tally.terminating,
            "uncountedTerminatedPods": tally.uncounted(),
            "ready": tally.ready,
        });
        for field in ["startTime", "succeeded", "failed", "conditions"] {
            if !former[field].is_null() {
                status[field] = former[field].clone();
            }
        }
        if former["startTime"].is_null() && job["spec"]["suspend"] != true {
            status["startTime"] = json!(seconds(self.now));
        }
        put_counts(&mut status, &[("active", tally.active.len())]);
        if let Some(verdict) = verdict {
            self.put_verdict(&mut status, verdict, verdict.conditions().0);
            let settled = tally.terminating == 0 && tally.active.is_empty();
            if concludes && settled && tally.fresh.is_empty() {
                self.put_verdict(&mut status, verdict, verdict.conditions().1);
                if verdict.well {
                    status["completionTime"] = json!(seconds(self.now));
                }
                self.tell_verdict(&job, verdict);
            }
        }
        self.put_suspension(&job, &mut status);
        self.set_status(key, status, MANAGER);
    }

    fn put_verdict(&self, status: &mut Value, verdict: Verdict, kind: &str) {
        let condition = (kind, "True", verdict.reason, verdict.message);
        self.put_job_condition(status, condition);
    }

    fn put_suspension(&self, job: &Value, status: &mut Value) {
        let known = !condition(job, "Suspended").is_null();
        if job["spec"]["suspend"] == true {
            let condition = ("Suspended", "True", "JobSuspended", "Job suspended");
            self.put_job_condition(status, condition);
        } else if known {
            let condition = ("Suspended", "False", "JobResumed", "Job resumed");
            self.put_job_condition(status, condition);
        }
    }

    fn put_job_condition(&self, status: &mut Value, condition: (&str, &str, &str, &str)) {
        let (kind, value, reason, message) = condition;
        let mut conditions = items(&status["conditions"]).to_vec();
        if conditions.iter().any(|one| one["type"] == kind && one["status"] == value) {
            return;
        }
        conditions.retain(|one| one["type"] != kind);
        let now = seconds(self.now);
        conditions.push(json!({
            "type": kind,
            "status": value,
            "lastProbeTime": now,
            "lastTransitionTime": now,
            "reason": reason,
            "message": message,
        }));
        status["conditions"] = Value::Array(conditions);
    }

    fn tell_verdict(&mut self, job: &Value, verdict: Verdict) {
        let note = if verdict.well {
            Note::normal(COMPONENT, "Completed", "Job completed".into())
        } else {
            Note::warning(COMPONENT, verdict.reason, verdict.message.into())
        };
        self.tell(job, &note);
    }

    /// Moves what is over from the Pods into the Job's counters.
    fn count_finished(&mut self, key: &Key) {
        let Some(job) = self.get(key) else { return };
        let tally = Tally::of(&job, &self.pods_of(&job));
        if tally.fresh.is_empty() {
            return;
        }
        let mut status = job["status"].clone();
        for (field, count) in [("succeeded", tally.succeeded), ("failed", tally.failed)] {
            if count > 0 {
                status[field] = json!(count);
            }
        }
        status["uncountedTerminatedPods"] = json!({});
        for (pod, _) in &tally.fresh {
            self.release(&key_of(&POD, pod), TRACKING);
        }
        self.set_status(key, status, MANAGER);
    }

    /// Lets go of the Pods of a Job that is to go or has gone; they may have lost their owner.
    fn untrack_all(&mut self, job: &Key) {
        let pods = self.storage.list(&POD, Some(&job.namespace));
        let tracked: Vec<Key> = pods
            .filter(|(_, pod)| has_finalizer(pod, TRACKING))
            .filter(|(_, pod)| pod["metadata"]["labels"]["job-name"] == *job.name)
            .map(|(key, _)| key.clone())
            .collect();
        for pod in tracked {
            self.release(&pod, TRACKING);
        }
    }

    fn remove_when_old(&mut self, key: &Key, job: &Value) -> Option<Timestamp> {
        let wait = u64::try_from(job["spec"]["ttlSecondsAfterFinished"].as_i64()?).ok()?;
        let ended = items(&job["status"]["conditions"])
            .iter()
            .filter(|condition| condition["type"] == "Complete" || condition["type"] == "Failed")
            .find_map(|condition| moment(&condition["lastTransitionTime"]))?;
        let due = later(ended, Duration::from_secs(wait));
        if due > self.now {
            return Some(due);
        }
        self.discard(key, Propagation::Foreground);
        None
    }
}

/// The wait after that many failures.
fn back_off(failures: i64) -> Duration {
    let exponent = u32::try_from(failures - 1).unwrap_or_default();
    let factor = 2_u32.saturating_pow(exponent);
    BACK_OFF.saturating_mul(factor).min(BACK_OFF_LIMIT)
}
