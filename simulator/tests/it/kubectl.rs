//! The cluster as the real `kubectl` sees it, where there is one.

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::json;
use simulator::{Clock, Cluster, Timing, kubeconfig};
use tokio::{net::TcpListener, process::Command, time::timeout};

use crate::support::deployment;

const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster on a socket, and a folder with a kubeconfig for it.
struct Kubectl {
    folder: tempfile::TempDir,
}

impl Kubectl {
    /// None, and a word on why, where there is no kubectl that runs.
    async fn new() -> Option<Self> {
        let found = Command::new("kubectl").args(["version", "--client"]).output().await;
        if !found.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: there is no kubectl to be run");
            return None;
        }
        let cluster = Cluster::new(Clock::system());
        cluster.set_timing(Timing {
            pull: Duration::from_millis(50),
            start: Duration::from_millis(50),
            ready: Duration::from_millis(50),
            terminate: Duration::from_millis(100),
            complete: Duration::from_millis(500),
            ..Timing::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let text = kubeconfig(listener.local_addr().unwrap());
        tokio::spawn(async move { cluster.serve(listener).await });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config"), text).unwrap();
        Some(Self { folder })
    }

    /// What it prints; it must succeed.
    async fn run(&self, arguments: &str) -> String {
        self.run_all(&arguments.split(' ').collect::<Vec<&str>>()).await
    }

    async fn run_all(&self, arguments: &[&str]) -> String {
        let child = Command::new("kubectl")
            .args(arguments)
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(PATIENCE, child).await.expect("kubectl to end").unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (told, error) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "kubectl {arguments:?}: {told}{error}");
        told
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn apply(&self, name: &str, content: &str) -> String {
        let path = self.file(name, content);
        let path = path.to_str().unwrap();
        self.run_all(&["apply", "--server-side", "--validate=false", "-f", path]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_from_its_apply_to_its_end() {
    let Some(kubectl) = Kubectl::new().await else { return };

    let applied = kubectl.apply("web.json", &deployment("web", "web:1", 2).to_string()).await;
    let rolled = kubectl.run("rollout status deployment/web --timeout=20s").await;
    let table = kubectl.run("get deployments").await;
    let pods = kubectl.run("get pods -o wide").await;
    let described = kubectl.run("describe deployment web").await;
    let log = kubectl.run("logs deployment/web").await;
    let scaled = kubectl.run("scale deployment web --replicas=1").await;
    let waited = kubectl.run("wait deployment/web --for=condition=Available --timeout=20s").await;
    let restarted = kubectl.run("rollout restart deployment/web").await;
    let history = kubectl.run("rollout history deployment/web").await;
    let deleted = kubectl.run("delete deployment web --wait=true").await;
    let left = kubectl.run("get deployments -o name").await;

    assert_eq!(applied.trim(), "deployment.apps/web serverside-applied");
    assert!(rolled.contains("successfully rolled out"), "{rolled}");
    assert!(table.starts_with("NAME"), "{table}");
    assert!(table.contains("2/2"), "{table}");
    assert_eq!(pods.matches("Running").count(), 2, "{pods}");
    assert!(described.contains("ScalingReplicaSet"), "{described}");
    assert!(log.contains("listening on port 8080"), "{log}");
    assert_eq!(scaled.trim(), "deployment.apps/web scaled");
    assert_eq!(waited.trim(), "deployment.apps/web condition met");
    assert_eq!(restarted.trim(), "deployment.apps/web restarted");
    assert!(history.contains("REVISION"), "{history}");
    assert!(deleted.contains("deleted"), "{deleted}");
    assert_eq!(left, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn yaml_is_applied_and_a_job_waited_for() {
    let Some(kubectl) = Kubectl::new().await else { return };
    let job = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: once
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - {name: main, image: 'migrate:1'}
";

    kubectl.apply("job.yaml", job).await;
    kubectl.run("wait job/once --for=condition=Complete --timeout=20s").await;
    let followed = kubectl.run("logs -f job/once").await;
    let table = kubectl.run("get jobs").await;
    let gone = kubectl.run("delete job once").await;

    assert!(followed.contains("main: done"), "{followed}");
    assert!(table.contains("Complete"), "{table}");
    assert!(gone.contains("deleted"), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apply_of_the_older_kind_changes_and_takes_back() {
    let Some(kubectl) = Kubectl::new().await else { return };
    let first = kubectl.file("first.json", &deployment("web", "web:1", 1).to_string());
    let second = kubectl.file("second.json", &deployment("web", "web:2", 1).to_string());
    let apply = async |path: &PathBuf| {
        let path = path.to_str().unwrap();
        kubectl.run_all(&["apply", "--validate=false", "-f", path]).await
    };

    let created = apply(&first).await;
    let unchanged = apply(&first).await;
    let configured = apply(&second).await;
    kubectl.run("rollout status deployment/web --timeout=20s").await;
    kubectl.run("rollout undo deployment/web").await;
    kubectl.run("rollout status deployment/web --timeout=20s").await;
    let image = "jsonpath={.spec.template.spec.containers[0].image}";
    let back = kubectl.run_all(&["get", "deployment", "web", "-o", image]).await;
    let deleted = kubectl.run_all(&["delete", "-f", first.to_str().unwrap()]).await;

    assert_eq!(created.trim(), "deployment.apps/web created");
    assert_eq!(unchanged.trim(), "deployment.apps/web unchanged");
    assert_eq!(configured.trim(), "deployment.apps/web configured");
    assert_eq!(back, "web:1");
    assert!(deleted.contains("deleted"), "{deleted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_can_be_listed_and_described() {
    let Some(kubectl) = Kubectl::new().await else { return };
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"a": "1"},
    });

    kubectl.apply("map.json", &map.to_string()).await;
    let resources = kubectl.run("api-resources -o name").await;
    let everything = kubectl.run("get nodes,namespaces,configmaps,events,pods -A").await;
    let node = kubectl.run("describe node node-0").await;
    let allowed = kubectl.run("auth can-i create deployments").await;

    assert!(resources.contains("statefulsets.apps"), "{resources}");
    assert!(everything.contains("node/gpu-0"), "{everything}");
    assert!(everything.contains("configmap/conf"), "{everything}");
    assert!(node.contains("kubelet is posting ready status"), "{node}");
    assert_eq!(allowed.trim(), "yes");
}
