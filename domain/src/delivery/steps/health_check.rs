use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{Probe, ProbeAnswer, Slot},
    Stage,
};
use crate::{
    error::Result,
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// How long one answer may take.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// Asks the new release until it answers as expected, or the task's time is up.
#[derive(Serialize, Deserialize)]
pub struct HealthCheck {
    pub config: HealthConfig,
    pub slot: Slot,
    pub port: u16,
    #[serde(flatten)]
    pub stage: Stage,
}

#[derive(Serialize, Deserialize)]
pub struct HealthConfig {
    pub endpoint: String,
    pub expected_status: u16,
    /// In seconds, as the timeout.
    pub interval: i64,
    pub timeout: i64,
    /// Which part is asked, where there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Slot>,
}

impl Executor for HealthCheck {
    const KIND: &'static str = "health_check";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let probe = Probe {
            place: self.stage.place.clone(),
            slot: self.slot,
            port: self.port,
            path: self.config.endpoint.clone(),
            timeout: PATIENCE,
        };
        let answer = self.stage.site(outside).await?.probe(&probe).await?;
        let reason = match answer {
            ProbeAnswer::Status(status) if status == self.config.expected_status => {
                log.line(format!("{} answers with {status}", self.config.endpoint));
                return Ok(Outcome::Done(json!({ "status": status })));
            }
            ProbeAnswer::Status(status) => {
                format!("{} answers with {status}", self.config.endpoint)
            }
            ProbeAnswer::Silent(why) => format!("{} does not answer: {why}", self.config.endpoint),
        };
        let at_most = SignedDuration::from_secs(self.config.interval);
        Ok(Outcome::Wait { at_most, reason })
    }
}
