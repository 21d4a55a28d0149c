use std::{path::PathBuf, time::Duration};

use jiff::SignedDuration;
use serde_json::Value;
use simulator::{Clock, Cluster};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::interval};

/// A simulated cluster on a port, which outlives the processes that use it, and whose time flies.
pub struct ServedCluster {
    pub cluster: Cluster,
    pub kubeconfig: PathBuf,
    _folder: TempDir,
    running: [JoinHandle<()>; 2],
}

impl ServedCluster {
    pub async fn new() -> Self {
        let cluster = Cluster::new(Clock::manual(jiff::Timestamp::UNIX_EPOCH + A_DAY));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, simulator::kubeconfig(listener.local_addr().unwrap())).unwrap();
        let (served, flying) = (cluster.clone(), cluster.clone());
        let running = [
            tokio::spawn(async move { served.serve(listener).await.unwrap() }),
            tokio::spawn(async move {
                let mut ticks = interval(Duration::from_millis(20));
                loop {
                    ticks.tick().await;
                    flying.advance(Duration::from_millis(200));
                }
            }),
        ];
        Self { cluster, kubeconfig, _folder: folder, running }
    }

    /// What makes a process use it.
    pub fn settings(&self) -> [(&'static str, &str); 2] {
        let path = self.kubeconfig.to_str().unwrap();
        [("SLIPWAY_KUBERNETES", "kubeconfig"), ("SLIPWAY_KUBECONFIG", path)]
    }

    /// The names of what stands at a path, such as `/apis/apps/v1/deployments`.
    pub async fn names(&self, path: &str) -> Vec<String> {
        let name = |item: &Value| item["metadata"]["name"].as_str().unwrap().to_owned();
        self.items(path).await.iter().map(name).collect()
    }

    /// What stands at a path.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let client = kube::Client::new(self.cluster.router(), "default");
        let request = axum::http::Request::get(path).body(Vec::new()).unwrap();
        let list: Value = client.request(request).await.unwrap();
        list["items"].as_array().unwrap().clone()
    }

    pub async fn deployments(&self) -> Vec<String> {
        self.names("/apis/apps/v1/deployments").await
    }
}

const A_DAY: SignedDuration = SignedDuration::from_hours(24);

impl Drop for ServedCluster {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::abort);
    }
}
