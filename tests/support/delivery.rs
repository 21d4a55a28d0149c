//! What clients do with versions, applications, environments and deployments.

use serde_json::{Value, json};

use super::{Client, Reply};

pub const REPOSITORY: &str = "https://git.example.com/acme/shop";

impl Client {
    /// A version of that tag; answers with its id.
    pub async fn create_version(&self, tag: &str) -> String {
        let commit = if tag == "v2" { "def456abc123" } else { "abc123def456" };
        let input = json!({
            "gitTag": tag, "gitCommit": commit, "repository": REPOSITORY,
            "description": "For tests",
        });
        id(&self.try_create("Version", input).await, "version")
    }

    /// An application of that name; answers with its id.
    pub async fn create_application(&self, name: &str, config: Value) -> String {
        let input = json!({
            "name": name, "repository": REPOSITORY, "type": "microservice", "config": config,
        });
        id(&self.try_create("Application", input).await, "application")
    }

    /// An environment on the platform's own cluster; answers with its id.
    pub async fn create_environment(&self, name: &str) -> String {
        let input = json!({ "name": name, "type": "KUBERNETES" });
        id(&self.try_create("Environment", input).await, "environment")
    }

    /// `createVersion` and its like.
    pub async fn try_create(&self, kind: &str, input: Value) -> Reply {
        let field = kind.to_lowercase();
        let document = format!(
            "mutation($input: Create{kind}Input!) {{
                create{kind}(input: $input) {{ cursor replayed {field} {{ id }} }} }}"
        );
        self.send(&document, json!({ "input": input })).await
    }

    /// `updateApplication` and its like.
    pub async fn update(&self, kind: &str, of: &str, input: Value) -> Reply {
        let field = kind.to_lowercase();
        let document = format!(
            "mutation($id: ID!, $input: Update{kind}Input!) {{
                update{kind}(id: $id, input: $input) {{ {field} {{ id name updatedAt }} }} }}"
        );
        self.send(&document, json!({ "id": of, "input": input })).await
    }

    /// `deleteVersion` and its like.
    pub async fn delete(&self, kind: &str, of: &str) -> Reply {
        let document =
            format!("mutation($id: ID!) {{ delete{kind}(id: $id) {{ cursor replayed id }} }}");
        self.send(&document, json!({ "id": of })).await
    }

    pub async fn create_deployment(
        &self,
        version: &str,
        applications: &[&str],
        environment: &str,
        strategy: &str,
    ) -> Reply {
        let document =
            "mutation($input: CreateDeploymentInput!) { createDeployment(input: $input) {
            cursor replayed deployment { id status startedAt completedAt errorMessage }
            workflow { id kind status queuePosition } } }";
        let input = json!({
            "versionId": version, "applicationIds": applications, "environmentId": environment,
            "strategy": strategy,
        });
        self.send(document, json!({ "input": input })).await
    }

    /// Deploys; answers with the deployment's id.
    pub async fn deploy(
        &self,
        version: &str,
        applications: &[&str],
        environment: &str,
        strategy: &str,
    ) -> String {
        let reply = self.create_deployment(version, applications, environment, strategy).await;
        id_in(&reply.ok()["createDeployment"]["deployment"])
    }

    pub async fn cancel_deployment(&self, deployment: &str) -> Reply {
        let document = "mutation($id: ID!) { cancelDeployment(id: $id, reason: \"too early\") {
            deployment { id status errorMessage failureReason } } }";
        self.send(document, json!({ "id": deployment })).await
    }

    pub async fn rollback_deployment(&self, deployment: &str, target: Option<&str>) -> Reply {
        let document = "mutation($id: ID!, $target: ID) {
            rollbackDeployment(id: $id, targetVersionId: $target) {
                deployment { id status version { gitTag } rollbackOf { id } strategy } } }";
        self.send(document, json!({ "id": deployment, "target": target })).await
    }

    pub async fn retry_task(&self, task: &str) -> Reply {
        let document = "mutation($id: ID!) { retryTask(id: $id) { task { id status result } } }";
        self.send(document, json!({ "id": task })).await
    }

    pub async fn deployment(&self, of: &str) -> Value {
        let document = "query($id: ID!) { node(id: $id) { ... on Deployment {
            status strategy failureReason errorMessage startedAt completedAt
            version { gitTag } applications { name } environment { name } rollbackOf { id }
            createdBy { email }
            workflow { id kind status queuePosition blockedBy { id } }
            tasks(first: 100) { totalCount nodes { id name type status error waitReason attempt
                payload result compensation deployment { id } attempts { number status error }
                log { text } } }
        } } }";
        self.send(document, json!({ "id": of })).await.ok()["node"].clone()
    }

    /// The status of each task of a deployment, as `name STATUS`, compensations left out.
    pub async fn progress(&self, deployment: &str) -> Vec<String> {
        let shown = self.deployment(deployment).await;
        let tasks = shown["tasks"]["nodes"].as_array().unwrap().iter();
        let forward = tasks.filter(|task| task["compensation"] == false);
        forward.map(|task| format!("{} {}", text(&task["name"]), text(&task["status"]))).collect()
    }

    /// A task of a deployment by its name.
    pub async fn task_of(&self, deployment: &str, name: &str) -> Value {
        let shown = self.deployment(deployment).await;
        let tasks = shown["tasks"]["nodes"].as_array().unwrap();
        tasks.iter().find(|task| task["name"] == name).expect(name).clone()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn id(reply: &Reply, field: &str) -> String {
    let data = reply.ok();
    let payload = data.as_object().unwrap().values().next().unwrap();
    id_in(&payload[field])
}

fn id_in(entity: &Value) -> String {
    text(&entity["id"])
}
