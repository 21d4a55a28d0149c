use jiff::Timestamp;
use serde_json::Value;

use super::tally::Tally;
use crate::object::{after, condition, int, moment};

/// How a Job ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub well: bool,
    pub reason: &'static str,
    pub message: &'static str,
}

const REACHED: Verdict = Verdict {
    well: true,
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
};
const TOO_MANY_FAILURES: Verdict = Verdict {
    well: false,
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
};
const TOO_LATE: Verdict = Verdict {
    well: false,
    reason: "DeadlineExceeded",
    message: "Job was active longer than specified deadline",
};

impl Verdict {
    /// The condition that announces it, and the one that concludes it.
    pub fn conditions(self) -> (&'static str, &'static str) {
        if self.well { ("SuccessCriteriaMet", "Complete") } else { ("FailureTarget", "Failed") }
    }

    pub fn of(job: &Value, tally: &Tally, now: Timestamp) -> Option<Self> {
        let announced = [REACHED, TOO_MANY_FAILURES, TOO_LATE]
            .into_iter()
            .find(|verdict| condition(job, verdict.conditions().0)["reason"] == verdict.reason);
        if announced.is_some() {
            return announced;
        }
        let limit = int(&job["spec"]["backoffLimit"]);
        let in_place = job["spec"]["template"]["spec"]["restartPolicy"] == "OnFailure";
        let worn_out = in_place && tally.restarts > 0 && tally.restarts >= limit;
        if tally.failed > limit || worn_out {
            return Some(TOO_MANY_FAILURES);
        }
        if deadline(job).is_some_and(|deadline| deadline <= now) {
            return Some(TOO_LATE);
        }
        let enough = match job["spec"]["completions"].as_i64() {
            Some(wanted) => tally.succeeded >= wanted,
            None => tally.succeeded > 0 && tally.active.is_empty(),
        };
        enough.then_some(REACHED)
    }
}

/// When a Job that still runs has run too long.
pub(super) fn deadline(job: &Value) -> Option<Timestamp> {
    let seconds = job["spec"]["activeDeadlineSeconds"].as_i64()?;
    Some(after(moment(&job["status"]["startTime"])?, seconds))
}

/// Whether a Job is over.
pub(super) fn is_over(job: &Value) -> bool {
    ["Complete", "Failed"].iter().any(|kind| condition(job, kind)["status"] == "True")
}
