//! What a cancelled deployment takes back: nothing of it is left, and what stood before stands
//! again and has the traffic.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Release, Route, Site, Slot},
    Stage,
};
use crate::{
    error::Result,
    workflows::{Executor, Outcome, Outside, TaskLog},
};

const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Removes the Jobs that build or test.
#[derive(Serialize, Deserialize)]
pub struct RemoveJobs {
    #[serde(flatten)]
    pub stage: Stage,
}

impl Executor for RemoveJobs {
    const KIND: &'static str = "remove_jobs";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let Stage { place, deployment_id, .. } = &self.stage;
        let site = self.stage.site(outside).await?;
        if !site.remove_jobs(place, *deployment_id).await? {
            return Ok(wait("the pods of its Jobs end"));
        }
        log.line("no Job of it is left");
        Ok(Outcome::Done(json!({})))
    }
}

/// Puts the release back that stood before, or removes the new one where none did.
#[derive(Serialize, Deserialize)]
pub struct RestoreRelease {
    /// Where the new one may stand.
    pub slot: Slot,
    pub before: Option<Release>,
    #[serde(flatten)]
    pub stage: Stage,
}

impl Executor for RestoreRelease {
    const KIND: &'static str = "restore_release";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let site = self.stage.site(outside).await?;
        let Some(before) = &self.before else {
            site.remove_route(&self.stage.place).await?;
            return self.remove(&*site, log).await;
        };
        if let Some(going) = self.bring_back(&*site, before, outside, log).await? {
            return Ok(going);
        }
        let Release { place, slot, .. } = before;
        site.route(&Route { place: place.clone(), slot: *slot }).await?;
        if *slot == self.slot {
            return Ok(Outcome::Done(json!({ "slot": slot, "image": before.image })));
        }
        self.remove(&*site, log).await
    }
}

impl RestoreRelease {
    /// `None` once it runs, or has a trouble of its own: then it is as well as it was.
    async fn bring_back(
        &self,
        site: &dyn Site,
        before: &Release,
        outside: &Outside,
        log: &mut TaskLog,
    ) -> Result<Option<Outcome>> {
        let rollout = site.rollout(&before.place, before.slot).await?;
        match rollout.filter(|it| it.deployment_id == Some(before.deployment_id)) {
            None => {
                site.apply_release(before, &self.stage.open(outside)?).await?;
                log.line(format!("{} applied again", before.image));
                Ok(Some(wait("the release before has just been applied again")))
            }
            Some(rollout) if rollout.complete || rollout.trouble.is_some() => Ok(None),
            Some(rollout) => {
                let reason = format!("{} of {} replicas ready", rollout.ready, rollout.wanted);
                Ok(Some(wait(&reason)))
            }
        }
    }

    async fn remove(&self, site: &dyn Site, log: &mut TaskLog) -> Result<Outcome> {
        if !site.remove_release(&self.stage.place, self.slot).await? {
            return Ok(wait("the pods of the new release end"));
        }
        log.line("nothing of the new release is left");
        Ok(Outcome::Done(json!({})))
    }
}

fn wait(reason: &str) -> Outcome {
    Outcome::Wait { at_most: LOOK_AGAIN, reason: reason.to_owned() }
}
