use std::time::Duration;

use super::{Client, TestApp, text};

/// A tenant that has versions v1 and v2, and an environment.
pub struct Shop {
    pub app: TestApp,
    pub ada: Client,
    pub versions: [String; 2],
    pub environment: String,
}

impl Shop {
    pub async fn open() -> Self {
        let app = TestApp::new().await;
        let ada = app.user("ada").await;
        let versions = [ada.create_version("v1").await, ada.create_version("v2").await];
        let environment = ada.create_environment("production").await;
        Self { app, ada, versions, environment }
    }

    /// Rolls a version out; answers with the deployment.
    pub async fn deploy(&self, version: usize, applications: &[&str], strategy: &str) -> String {
        let version = &self.versions[version - 1];
        self.ada.deploy(version, applications, &self.environment, strategy).await
    }

    /// Runs what is due until a task waits for its `word`.
    pub async fn run_until(&self, deployment: &str, task: &str, word: &str) {
        for _ in 0..2_000 {
            let shown = self.ada.task_of(deployment, task).await;
            if text(&shown["waitReason"]).contains(word) {
                return;
            }
            if !self.app.control_plane.run_next_task().await.unwrap() {
                self.app.advance(Duration::from_millis(250));
            }
        }
        panic!("{task} never waits for {word}");
    }

    pub async fn status(&self, deployment: &str) -> String {
        text(&self.ada.deployment(deployment).await["status"])
    }

    /// What stands for the application, as `Kind name`, pods and ReplicaSets left out.
    pub async fn standing(&self) -> Vec<String> {
        let mut standing = self.app.standing().await;
        standing.retain(|it| !it.starts_with("Pod ") && !it.starts_with("ReplicaSet "));
        standing.sort();
        standing
    }

    /// The slot that the Service of an application leads to.
    pub async fn routed(&self, application: &str) -> String {
        let list = self.app.object("/api/v1/services").await;
        let services = list["items"].as_array().unwrap();
        let found = services.iter().find(|it| it["metadata"]["name"] == application).unwrap();
        text(&found["spec"]["selector"]["slipway.io/slot"])
    }

    /// The image that a Deployment runs.
    pub async fn image(&self, deployment: &str) -> String {
        let list = self.app.object("/apis/apps/v1/deployments").await;
        let mut found = list["items"].as_array().unwrap().iter();
        let found = found.find(|it| it["metadata"]["name"] == deployment).unwrap();
        text(&found["spec"]["template"]["spec"]["containers"][0]["image"])
    }
}
