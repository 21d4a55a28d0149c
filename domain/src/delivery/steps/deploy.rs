use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Release, Route, Site, Slot},
    Stage,
    job::clear,
    stage::ENDING_PODS,
};
use crate::{
    error::{Error, Result},
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// Brings what has the traffic to the new release by a rolling update.
#[derive(Serialize, Deserialize)]
pub struct Deploy {
    pub config: DeployConfig,
    /// Where an earlier deployment may have left a release that has no traffic.
    #[serde(default)]
    pub leftover: Option<Slot>,
    /// Known once the image is.
    pub release: Option<Release>,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct DeployConfig {
    pub strategy: String,
    pub replicas: i32,
    pub max_unavailable: i32,
}

impl Executor for Deploy {
    const KIND: &'static str = "deploy";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let release = known(self.release.as_ref())?;
        let site = self.stage.site(outside).await?;
        if let Some(going) = roll_out(&*site, &self.stage, release, outside, log).await? {
            return Ok(going);
        }
        let Release { place, slot, .. } = release;
        site.route(&Route { place: place.clone(), slot: *slot }).await?;
        if let Some(leftover) = self.leftover
            && !site.remove_release(place, leftover).await?
        {
            let reason = "the pods of an earlier release end".to_owned();
            return Ok(Outcome::Wait { at_most: ENDING_PODS, reason });
        }
        Ok(released(release, log))
    }
}

/// Puts the new release beside what has the traffic.
#[derive(Serialize, Deserialize)]
pub struct DeployGreen {
    pub config: GreenConfig,
    /// Known once the image is.
    pub release: Option<Release>,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct GreenConfig {
    /// The part that it plays.
    pub environment: String,
    pub replicas: i32,
    /// Where it stands: the parts change from deployment to deployment.
    pub slot: Slot,
}

impl Executor for DeployGreen {
    const KIND: &'static str = "deploy_green";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let release = known(self.release.as_ref())?;
        let site = self.stage.site(outside).await?;
        if let Some(going) = roll_out(&*site, &self.stage, release, outside, log).await? {
            return Ok(going);
        }
        Ok(released(release, log))
    }
}

pub(super) fn known(release: Option<&Release>) -> Result<&Release> {
    release.ok_or_else(|| Error::internal("a release without an image"))
}

/// Clears away the Jobs of the tasks before, applies a release, and again where it does not stand,
/// and waits until it is complete: `None` then. Whoever tries the task again may have changed what
/// is to be applied: until a memo says that it has been, it is.
pub(super) async fn roll_out(
    site: &dyn Site,
    stage: &Stage,
    release: &Release,
    outside: &Outside,
    log: &mut TaskLog,
) -> Result<Option<Outcome>> {
    let stands = match outside.turn.memo.is_some() {
        true => site.rollout(&release.place, release.slot).await?,
        false => None,
    };
    let ours = stands.filter(|it| it.deployment_id == Some(release.deployment_id));
    let Some(rollout) = ours else {
        if outside.turn.memo.is_none() {
            clear(site, stage).await?;
        }
        site.apply_release(release, &stage.open(outside)?).await?;
        log.line(format!("{} applied in slot {}", release.image, release.slot.as_str()));
        return Ok(Some(Outcome::Resume {
            memo: json!({ "applied": true }),
            after: stage.pause(),
            reason: "the release has just been applied".to_owned(),
        }));
    };
    if rollout.complete {
        return Ok(None);
    }
    let progress = format!("{} of {} replicas ready", rollout.ready, rollout.wanted);
    let reason = match rollout.trouble {
        Some(trouble) => format!("{progress}: {}: {}", trouble.reason, trouble.message),
        None => progress,
    };
    Ok(Some(wait(stage, reason)))
}

fn released(release: &Release, log: &mut TaskLog) -> Outcome {
    let Release { slot, image, replicas, .. } = release;
    log.line(format!("{replicas} of {replicas} replicas ready"));
    Outcome::Done(json!({ "slot": slot, "image": image, "readyReplicas": replicas }))
}

fn wait(stage: &Stage, reason: String) -> Outcome {
    Outcome::Wait { at_most: stage.pause(), reason }
}
