use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Release, Route, Slot},
    Stage,
    stage::ENDING_PODS,
};
use crate::{
    error::{Error, Result},
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// Sends the traffic to the new release, in one apply.
#[derive(Serialize, Deserialize)]
pub struct SwitchTraffic {
    pub config: SwitchConfig,
    pub route: Route,
    /// What gets it.
    pub release: Option<Release>,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct SwitchConfig {
    pub from: Slot,
    pub to: Slot,
}

impl Executor for SwitchTraffic {
    const KIND: &'static str = "switch_traffic";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        self.stage.site(outside).await?.route(&self.route).await?;
        let SwitchConfig { from, to } = &self.config;
        log.line(format!("traffic goes to {}", to.as_str()));
        Ok(Outcome::Done(json!({ "from": from, "to": to })))
    }
}

/// Removes what had the traffic before, once there has been time to switch back.
#[derive(Serialize, Deserialize)]
pub struct CleanupBlue {
    pub config: CleanupConfig,
    /// Whether there is anything to switch back to.
    pub stood: bool,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct CleanupConfig {
    /// In seconds.
    pub delay: i64,
    pub slot: Slot,
}

impl Executor for CleanupBlue {
    const KIND: &'static str = "cleanup_blue";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let now = outside.turn.now;
        let until = match outside.turn.recall::<Timestamp>() {
            Some(until) => until,
            None if self.stood => {
                log.line(format!("blue stays for {} seconds", self.config.delay));
                now.checked_add(SignedDuration::from_secs(self.config.delay)).unwrap_or(now)
            }
            None => now,
        };
        if now < until {
            return Ok(Outcome::Resume {
                memo: serde_json::to_value(until).map_err(Error::internal_from)?,
                after: until.duration_since(now),
                reason: format!("blue is removed at {until}"),
            });
        }
        let (site, slot) = (self.stage.site(outside).await?, self.config.slot);
        if !site.remove_release(&self.stage.place, slot).await? {
            return Ok(Outcome::Resume {
                memo: serde_json::to_value(until).map_err(Error::internal_from)?,
                after: ENDING_PODS,
                reason: "the pods of blue end".to_owned(),
            });
        }
        log.line("blue is removed");
        Ok(Outcome::Done(json!({ "removed": self.stood })))
    }
}
