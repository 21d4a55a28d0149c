//! The steps that workflows of instances are made of. Each may run again after a crash.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    error::Result,
    runtime::{Part, Place, Workload},
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// How long a step waits for the watch before it looks for itself.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(10);

/// Applies one object of a workload.
#[derive(Serialize, Deserialize)]
pub struct ApplyPart {
    pub part: Part,
    pub workload: Workload,
}

impl Executor for ApplyPart {
    const KIND: &'static str = "apply";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let Place { namespace, name, .. } = &self.workload.place;
        outside.runtime.apply(&self.workload, self.part).await?;
        log.line(match self.part {
            Part::Namespace => format!("Namespace {namespace} applied"),
            part => format!("{part:?} {name} applied in {namespace}"),
        });
        Ok(Outcome::Done(json!({ "applied": self.part })))
    }
}

/// Waits until the Deployment runs as specified; puts back what has vanished meanwhile.
#[derive(Serialize, Deserialize)]
pub struct AwaitRollout {
    pub workload: Workload,
}

impl Executor for AwaitRollout {
    const KIND: &'static str = "await_rollout";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let Some(rollout) = outside.runtime.rollout(&self.workload.place).await? else {
            self.apply_everything(outside).await?;
            log.line("the Deployment was not there: everything was applied again");
            return Ok(wait("the Deployment has just been applied again"));
        };
        if rollout.complete {
            log.line(format!("{} of {} replicas ready", rollout.ready, rollout.wanted));
            return Ok(Outcome::Done(json!({ "readyReplicas": rollout.ready })));
        }
        let reason = rollout.trouble.map_or_else(
            || format!("{} of {} replicas ready", rollout.ready, rollout.wanted),
            |trouble| format!("{}: {}", trouble.reason, trouble.message),
        );
        Ok(wait(reason))
    }
}

impl AwaitRollout {
    async fn apply_everything(&self, outside: &Outside) -> Result<()> {
        apply_secret(&self.workload, outside).await?;
        for part in Part::ALL {
            outside.runtime.apply(&self.workload, *part).await?;
        }
        Ok(())
    }
}

/// Applies the Secret of a workload that has one.
#[derive(Serialize, Deserialize)]
pub struct ApplySecret {
    pub workload: Workload,
}

impl Executor for ApplySecret {
    const KIND: &'static str = "apply_secret";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let Place { namespace, name, .. } = &self.workload.place;
        apply_secret(&self.workload, outside).await?;
        log.line(format!("Secret {name} applied in {namespace}"));
        Ok(Outcome::Done(json!({})))
    }
}

async fn apply_secret(workload: &Workload, outside: &Outside) -> Result<()> {
    let Some(secret) = &workload.secret else {
        return Ok(());
    };
    let values = secret.open(&*outside.vault)?;
    outside.runtime.apply_secret(workload, &values).await
}

/// Deletes the Secret that a workload no longer has.
#[derive(Serialize, Deserialize)]
pub struct RemoveSecret {
    pub place: Place,
}

impl Executor for RemoveSecret {
    const KIND: &'static str = "remove_secret";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        outside.runtime.remove_secret(&self.place).await?;
        log.line(format!("no Secret {} in {}", self.place.name, self.place.namespace));
        Ok(Outcome::Done(json!({})))
    }
}

/// Notes where the objects are other than they should be.
#[derive(Serialize, Deserialize)]
pub struct FindDrift {
    pub workload: Workload,
}

impl Executor for FindDrift {
    const KIND: &'static str = "find_drift";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let drift = outside.runtime.drift(&self.workload).await?;
        for difference in &drift {
            log.line(difference);
        }
        Ok(Outcome::Done(json!({ "drift": drift })))
    }
}

/// Deletes all objects of a workload.
#[derive(Serialize, Deserialize)]
pub struct RemoveWorkload {
    pub place: Place,
}

impl Executor for RemoveWorkload {
    const KIND: &'static str = "remove";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        outside.runtime.remove(&self.place).await?;
        log.line(format!("{} removed from {}", self.place.name, self.place.namespace));
        Ok(Outcome::Done(json!({})))
    }
}

/// Waits until nothing of a workload is left, its pods included; removes what has come back: a
/// worker that was thought dead may have been applying it.
#[derive(Serialize, Deserialize)]
pub struct AwaitRemoval {
    pub place: Place,
}

impl Executor for AwaitRemoval {
    const KIND: &'static str = "await_removal";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let left = outside.runtime.remains(&self.place).await?;
        if left.is_empty() {
            log.line("nothing is left");
            return Ok(Outcome::Done(json!({})));
        }
        outside.runtime.remove(&self.place).await?;
        Ok(wait(format!("still there: {}", left.join(", "))))
    }
}

fn wait(reason: impl Into<String>) -> Outcome {
    Outcome::Wait { at_most: LOOK_AGAIN, reason: reason.into() }
}
