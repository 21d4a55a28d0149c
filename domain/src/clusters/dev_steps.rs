//! The steps that workflows of development clusters are made of. Each may run again after a crash.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{DevMachine, Said};
use crate::{
    error::Result,
    workflows::{Executor, Outcome, Outside, TaskLog},
};

/// How long a step waits before it looks again: nobody tells of changes.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// Makes sure that no other program listens where the cluster shall.
#[derive(Serialize, Deserialize)]
pub struct ProbePorts {
    pub machine: DevMachine,
}

impl Executor for ProbePorts {
    const KIND: &'static str = "probe_ports";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let DevMachine { host, ports, leased, .. } = &self.machine;
        for purpose in leased {
            let port = ports.get(*purpose);
            if !outside.dev.is_port_free(host, port).await? {
                let reason = format!("another program listens on port {port} of {host}");
                return Ok(Outcome::Fail { reason });
            }
            log.line(format!("port {port} of {host} is free"));
        }
        Ok(Outcome::Done(json!({ "ports": ports })))
    }
}

#[derive(Serialize, Deserialize)]
pub struct CreateDevCluster {
    pub machine: DevMachine,
}

impl Executor for CreateDevCluster {
    const KIND: &'static str = "create_cluster";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        Ok(told(outside.dev.create(&self.machine).await?, log))
    }
}

#[derive(Serialize, Deserialize)]
pub struct StartDevCluster {
    pub machine: DevMachine,
}

impl Executor for StartDevCluster {
    const KIND: &'static str = "start_cluster";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        Ok(told(outside.dev.start(&self.machine).await?, log))
    }
}

#[derive(Serialize, Deserialize)]
pub struct StopDevCluster {
    pub machine: DevMachine,
}

impl Executor for StopDevCluster {
    const KIND: &'static str = "stop_cluster";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        Ok(told(outside.dev.stop(&self.machine).await?, log))
    }
}

#[derive(Serialize, Deserialize)]
pub struct RemoveDevCluster {
    pub machine: DevMachine,
}

impl Executor for RemoveDevCluster {
    const KIND: &'static str = "remove_cluster";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        Ok(told(outside.dev.delete(&self.machine).await?, log))
    }
}

/// Waits until the first node has an address.
#[derive(Serialize, Deserialize)]
pub struct AwaitAddress {
    pub machine: DevMachine,
}

impl AwaitAddress {
    /// What its result holds.
    pub(super) const SERVER_IP: &str = "serverIp";
}

impl Executor for AwaitAddress {
    const KIND: &'static str = "await_address";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        let state = outside.dev.look(&self.machine).await?;
        let Some(ip) = state.and_then(|state| state.server_ip) else {
            return Ok(wait("the server has no address yet"));
        };
        log.line(format!("the server's address is {ip}"));
        Ok(Outcome::Done(json!({ Self::SERVER_IP: ip })))
    }
}

/// Waits until the cluster really runs and its API server answers.
#[derive(Serialize, Deserialize)]
pub struct VerifyDevCluster {
    pub machine: DevMachine,
}

impl Executor for VerifyDevCluster {
    const KIND: &'static str = "verify_cluster";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        match outside.dev.look(&self.machine).await? {
            None => return Ok(Outcome::Fail { reason: "the cluster is not there".to_owned() }),
            Some(state) if !state.running => return Ok(wait("the server does not run yet")),
            Some(_) => {}
        }
        if let Some(trouble) = outside.dev.trouble(&self.machine).await? {
            return Ok(wait(trouble));
        }
        log.line("the API server answers");
        Ok(Outcome::Done(json!({})))
    }
}

/// Waits until nothing of the cluster is left.
#[derive(Serialize, Deserialize)]
pub struct AwaitAbsence {
    pub machine: DevMachine,
}

impl Executor for AwaitAbsence {
    const KIND: &'static str = "await_absence";

    async fn run(&self, outside: &Outside, log: &mut TaskLog) -> Result<Outcome> {
        if outside.dev.look(&self.machine).await?.is_some() {
            return Ok(wait("the cluster is still there"));
        }
        log.line("nothing is left");
        Ok(Outcome::Done(json!({})))
    }
}

fn told(said: Said, log: &mut TaskLog) -> Outcome {
    for line in said.lines {
        log.line(line);
    }
    match said.failure {
        Some(reason) => Outcome::Fail { reason },
        None => Outcome::Done(json!({})),
    }
}

fn wait(reason: impl Into<String>) -> Outcome {
    Outcome::Wait { at_most: LOOK_AGAIN, reason: reason.into() }
}
