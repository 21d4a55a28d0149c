//! The steps that workflows of search clusters are made of. Each may run again after a crash.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ClusterPlace, SearchPart, SearchWorkload};
use crate::{
    error::Result,
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// How long a step waits for the watch before it looks for itself.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(10);
/// The same for what the watch does not tell.
const LOOK_SOON: SignedDuration = SignedDuration::from_secs(2);

/// Applies one object of a search cluster.
#[derive(Serialize, Deserialize)]
pub struct ApplySearchPart {
    pub part: SearchPart,
    pub workload: SearchWorkload,
}

impl Executor for ApplySearchPart {
    const KIND: &'static str = "apply_search";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        outside.search.apply_search(&self.workload, self.part).await?;
        let ClusterPlace { namespace, name, .. } = &self.workload.place;
        log.line(format!("{:?} of {name} applied in {namespace}", self.part));
        Ok(Outcome::Done(json!({ "applied": self.part })))
    }
}

/// Waits until all replicas run as specified; puts back what has vanished meanwhile.
#[derive(Serialize, Deserialize)]
pub struct AwaitSearchRollout {
    pub workload: SearchWorkload,
}

impl Executor for AwaitSearchRollout {
    const KIND: &'static str = "await_search_rollout";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let Some(rollout) = outside.search.search_rollout(&self.workload.place).await? else {
            for part in SearchPart::APPLIED {
                outside.search.apply_search(&self.workload, *part).await?;
            }
            log.line("the StatefulSet was not there: everything was applied again");
            return Ok(wait(LOOK_AGAIN, "the StatefulSet has just been applied again"));
        };
        let counted = format!("{} of {} replicas ready", rollout.ready, rollout.wanted);
        if rollout.complete {
            log.line(counted);
            return Ok(Outcome::Done(json!({ "readyReplicas": rollout.ready })));
        }
        Ok(wait(
            LOOK_AGAIN,
            match rollout.trouble {
                Some(trouble) => format!("{}: {}", trouble.reason, trouble.message),
                None => counted,
            },
        ))
    }
}

/// Enlarges the volumes that are smaller than asked for.
#[derive(Serialize, Deserialize)]
pub struct ExpandVolumes {
    pub workload: SearchWorkload,
}

impl Executor for ExpandVolumes {
    const KIND: &'static str = "expand_volumes";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let expanded = outside.search.expand_volumes(&self.workload).await?;
        let size = &self.workload.resources.disk_size;
        for name in &expanded {
            log.line(format!("{name} enlarged to {size}"));
        }
        Ok(Outcome::Done(json!({ "expanded": expanded })))
    }
}

/// Tells the running cluster what its indices shall be like; where it does not answer, says so.
#[derive(Serialize, Deserialize)]
pub struct ConfigureIndices {
    pub workload: SearchWorkload,
}

impl Executor for ConfigureIndices {
    const KIND: &'static str = "configure_indices";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let skipped = outside.search.configure_search(&self.workload).await?;
        log.line(match &skipped {
            None => "the index template and the limit of indices are set".to_owned(),
            Some(reason) => format!("skipped: {reason}"),
        });
        Ok(Outcome::Done(json!({ "skipped": skipped })))
    }
}

/// Deletes one part of a search cluster, and waits until nothing of it is left.
#[derive(Serialize, Deserialize)]
pub struct RemoveSearchPart {
    pub part: SearchPart,
    pub place: ClusterPlace,
}

impl Executor for RemoveSearchPart {
    const KIND: &'static str = "remove_search";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let left = outside.search.search_remains(&self.place, self.part).await?;
        if left.is_empty() {
            log.line(format!("nothing is left of {:?}", self.part));
            return Ok(Outcome::Done(json!({})));
        }
        outside.search.remove_search(&self.place, self.part).await?;
        Ok(wait(LOOK_SOON, format!("still there: {}", left.join(", "))))
    }
}

fn wait(at_most: SignedDuration, reason: impl Into<String>) -> Outcome {
    Outcome::Wait { at_most, reason: reason.into() }
}
