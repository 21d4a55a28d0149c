use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard},
};

use async_trait::async_trait;
use domain::{
    Result,
    clusters::{DevClusterProvider, DevMachine, DevProvider, DevState, Said},
};

/// Makes nothing and says that it has. Clusters whose names hold `nocreate`, `noaddress` or
/// `noanswer` fail as they say. What it has not been told of runs, so that a restart loses nothing.
#[derive(Default)]
pub struct SimulatedProvider {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    clusters: HashMap<String, Condition>,
    /// Ports that others listen on.
    busy: HashSet<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Running,
    Stopped,
    Gone,
}

impl SimulatedProvider {
    /// Another program begins to listen on that port of every host.
    pub fn occupy(&self, port: u16) {
        self.known().busy.insert(port);
    }

    /// The names of the clusters that it has made and that are there.
    pub fn standing(&self) -> Vec<String> {
        let known = self.known();
        let there = known.clusters.iter().filter(|(_, condition)| **condition != Condition::Gone);
        let mut names: Vec<_> = there.map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("nothing panics while it holds this lock")
    }

    fn become_(&self, machine: &DevMachine, condition: Condition, said: &str) -> Said {
        self.known().clusters.insert(machine.name.clone(), condition);
        Said { lines: vec![format!("{} {said} (simulated)", machine.name)], failure: None }
    }
}

#[async_trait]
impl DevProvider for SimulatedProvider {
    async fn check(&self, _: DevClusterProvider) -> Result<()> {
        Ok(())
    }

    async fn is_port_free(&self, _: &str, port: u16) -> Result<bool> {
        Ok(!self.known().busy.contains(&port))
    }

    async fn create(&self, machine: &DevMachine) -> Result<Said> {
        let said = self.become_(machine, Condition::Running, "created");
        let fails = machine.name.contains("nocreate");
        let failure = fails.then(|| "the cluster could not be created (simulated)".to_owned());
        Ok(Said { failure, ..said })
    }

    async fn start(&self, machine: &DevMachine) -> Result<Said> {
        Ok(self.become_(machine, Condition::Running, "started"))
    }

    async fn stop(&self, machine: &DevMachine) -> Result<Said> {
        Ok(self.become_(machine, Condition::Stopped, "stopped"))
    }

    async fn delete(&self, machine: &DevMachine) -> Result<Said> {
        Ok(self.become_(machine, Condition::Gone, "deleted"))
    }

    async fn look(&self, machine: &DevMachine) -> Result<Option<DevState>> {
        let condition = self.known().clusters.get(&machine.name).copied();
        let condition = condition.unwrap_or(Condition::Running);
        let has_address = condition == Condition::Running && !machine.name.contains("noaddress");
        Ok((condition != Condition::Gone).then(|| DevState {
            running: condition == Condition::Running,
            server_ip: has_address.then(|| address(machine.ports.http)),
        }))
    }

    async fn trouble(&self, machine: &DevMachine) -> Result<Option<String>> {
        let silent = machine.name.contains("noanswer");
        Ok(silent.then(|| "the API server does not answer (simulated)".to_owned()))
    }
}

/// One for each cluster, since no two have the same port.
fn address(port: u16) -> String {
    let [high, low] = port.to_be_bytes();
    format!("172.28.{high}.{low}")
}
