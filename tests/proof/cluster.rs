use std::{
    fs,
    path::PathBuf,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Process, try_http_get};

const START_LIMIT: Duration = Duration::from_secs(30);
/// So often the judge asks until an answer comes through.
const TRIES: usize = 100;

/// `slipway simulate` in a process of its own, some of whose calls go wrong.
pub struct FaultyCluster {
    child: Child,
    address: String,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

impl FaultyCluster {
    /// `None` where the program is not built.
    pub fn start(fault_rate: f64, seed: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let child = Command::new(Process::program()?)
            .args(["simulate", "--listen", "127.0.0.1:0", "--kubeconfig-out"])
            .arg(&kubeconfig)
            .args(["--fault-rate", &fault_rate.to_string(), "--fault-seed", &seed.to_string()])
            .spawn()
            .unwrap();
        let patience = Instant::now() + START_LIMIT;
        let address = loop {
            let text = fs::read_to_string(&kubeconfig).unwrap_or_default();
            let line = text.lines().find_map(|line| line.trim().strip_prefix("server: http://"));
            if let (Some(address), true) = (line, text.ends_with('\n')) {
                break address.to_owned();
            }
            assert!(Instant::now() < patience, "the simulated cluster does not start");
            sleep(Duration::from_millis(10));
        };
        Some(Self { child, address, kubeconfig, _folder: folder })
    }

    /// What makes a process use it.
    pub fn settings(&self) -> [(&'static str, &str); 2] {
        let path = self.kubeconfig.to_str().unwrap();
        [("SLIPWAY_KUBERNETES", "kubeconfig"), ("SLIPWAY_KUBECONFIG", path)]
    }

    /// The objects at a path, such as `/apis/apps/v1/deployments`, in Slipway's namespaces.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        for _ in 0..TRIES {
            let Some((200, body)) = try_http_get(&self.address, path).await else { continue };
            if let Ok(list) = serde_json::from_str::<Value>(&body) {
                let ours = |item: &&Value| {
                    let namespace = item["metadata"]["namespace"].as_str();
                    namespace.is_some_and(|name| name.starts_with("slipway-"))
                };
                return list["items"].as_array().unwrap().iter().filter(ours).cloned().collect();
            }
        }
        panic!("the simulated cluster does not list {path}");
    }
}

impl Drop for FaultyCluster {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
