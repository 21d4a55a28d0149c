//! The operations that users copy: each file's are all run, for what their comments say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use simulator::{Calls, Fault};
use tokio::time::timeout;

use crate::support::{Client, NOWHERE, TestApp, product};

const FOLDER: &str = "../examples/operations";
const PATIENCE: Duration = Duration::from_secs(30);

/// Some files of operations, and which of these are still to be run.
struct Examples {
    documents: BTreeMap<String, String>,
    left: BTreeSet<String>,
}

impl Examples {
    fn of(files: &[&str]) -> Self {
        let mut documents = BTreeMap::new();
        for file in files {
            let document = fs::read_to_string(format!("{FOLDER}/{file}.graphql")).unwrap();
            for (_, name) in operations(&document) {
                documents.insert(name.to_owned(), document.clone());
            }
        }
        let left = documents.keys().cloned().collect();
        Self { documents, left }
    }

    /// The request for an operation, the file's others standing beside it.
    fn request(&mut self, name: &str, variables: &Value) -> Value {
        self.left.remove(name);
        let document = &self.documents[name];
        json!({ "query": document, "operationName": name, "variables": variables })
    }

    /// The one field of an answer without errors, the `cursor` beside it aside.
    async fn run(&mut self, client: &Client, name: &str, variables: Value) -> Value {
        let reply = client.post(&self.request(name, &variables), &[]).await.ok();
        let fields = reply.as_object().unwrap();
        fields.iter().find(|(name, _)| *name != "cursor").unwrap().1.clone()
    }

    /// The same of a subscription's first item.
    async fn follow(
        &mut self,
        app: &TestApp,
        client: &Client,
        name: &str,
        variables: Value,
    ) -> Value {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", client.token.as_ref().unwrap()))
            .body(Body::from(self.request(name, &variables).to_string()))
            .unwrap();
        let mut events = app.routes.answer(NOWHERE, request).await.into_body();
        let frame = timeout(PATIENCE, events.frame()).await.expect("nothing came");
        let event = frame.unwrap().unwrap().into_data().unwrap();
        let event = String::from_utf8(event.to_vec()).unwrap();
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let item: Value = serde_json::from_str(data).unwrap();
        assert!(item["errors"].is_null(), "{item}");
        item["data"].as_object().unwrap().values().next().unwrap().clone()
    }

    fn all_ran(&self) {
        assert_eq!(self.left, BTreeSet::new());
    }
}

/// The names of a document's operations, each with the line before it.
fn operations(document: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = [""].into_iter().chain(document.lines()).zip(document.lines());
    lines.filter_map(|(before, line)| {
        let (kind, rest) = line.split_once(' ')?;
        let name = rest.split([' ', '(']).next()?;
        ["query", "mutation", "subscription"].contains(&kind).then_some((before, name))
    })
}

fn as_owner_of(app: &TestApp, tokens: &Value) -> Client {
    Client::new(app.routes.clone(), tokens["accessToken"].as_str())
}

/// A running instance's id, and the cursor from before its order was paid.
async fn running(app: &TestApp, client: &Client, product: &str) -> (String, Value) {
    let before = client.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let (_, instance, _) = client.buy(product, "web").await;
    app.run_tasks().await;
    app.observe().await;
    (instance, before)
}

#[test]
fn every_example_says_what_it_does_and_is_run_here() {
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let path = entry.unwrap().path();
        files.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        let document = fs::read_to_string(path).unwrap();
        for (before, name) in operations(&document) {
            assert!(before.starts_with("# ") && before.ends_with('.'), "{name}: {before}");
        }
    }
    files.sort_unstable();

    assert_eq!(
        files,
        [
            "account",
            "administration",
            "clusters",
            "delivery",
            "deployments",
            "dev-clusters",
            "events",
            "front-page",
            "instances",
            "quota",
            "shop",
            "workflows",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_an_account_run() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["account"]);
    let nobody = app.anonymous();
    let (email, old, new) = ("ada@example.com", "correct horse", "battery staple");
    let account = json!({ "email": email, "password": old, "nickname": "Ada" });
    let login = json!({ "input": { "email": email, "password": old } });
    let change = json!({ "input": { "currentPassword": old, "newPassword": new } });

    examples.run(&nobody, "Register", json!({ "input": account })).await;
    let tokens = examples.run(&nobody, "Login", login).await;
    let refresh = json!({ "refreshToken": tokens["refreshToken"] });
    let tokens = examples.run(&nobody, "RefreshSession", refresh).await;
    let ada = as_owner_of(&app, &tokens);
    let viewer = examples.run(&ada, "Viewer", json!({})).await;
    let tokens = examples.run(&ada, "ChangePassword", change).await;
    let ada = as_owner_of(&app, &tokens);
    examples.run(&ada, "Logout", json!({ "allSessions": true })).await;

    assert_eq!(viewer["tenants"][0]["role"], "OWNER");
    assert_eq!(ada.send("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    examples.all_ran();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_lead_from_the_shelf_to_the_log_line() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["shop", "front-page"]);
    let (root, ada) = (app.admin().await, app.user("ada").await);
    root.create_product("web:1").await;

    let products = examples.run(&app.anonymous(), "Products", json!({ "first": 1 })).await;
    let product = &products["nodes"][0]["id"];
    let wish = json!({ "product": product, "name": "web", "key": "first" });
    let order = examples.run(&ada, "PlaceOrder", wish.clone()).await["order"].clone();
    let again = examples.run(&ada, "PlaceOrder", wish).await;
    let paid = examples.run(&ada, "PayOrder", json!({ "id": order["id"] })).await;
    app.run_tasks().await;
    let after = &paid["cursor"];
    let from = json!({ "workflow": paid["workflow"]["id"], "after": after });
    let followed = examples.follow(&app, &ada, "Follow", from).await;
    let changed = examples.follow(&app, &ada, "OrderChanges", json!({ "after": after })).await;
    let shown = examples.run(&ada, "OrderToLog", json!({ "id": order["id"] })).await;
    let receipt = examples.run(&ada, "OrderByNumber", json!({ "number": order["number"] })).await;
    let wish = json!({ "product": product, "name": "spare" });
    let spare = examples.run(&ada, "PlaceOrder", wish).await["order"]["id"].clone();
    let spare = examples.run(&ada, "CancelOrder", json!({ "id": spare })).await;
    let orders = examples.run(&ada, "Orders", json!({ "first": 1 })).await;

    assert_eq!((&again["replayed"], &again["order"]["id"]), (&json!(true), &order["id"]));
    assert_eq!(followed["workflow"]["id"], paid["workflow"]["id"]);
    assert_eq!(changed["order"]["status"], "PAID");
    let tasks = &shown["instance"]["workflows"]["nodes"][0]["tasks"];
    assert!(tasks[0]["log"]["text"].as_str().unwrap().contains("applied"), "{tasks}");
    assert_eq!(receipt["status"], "COMPLETED");
    assert_eq!(spare["order"]["status"], "CANCELLED");
    assert_eq!(
        (&orders["totalCount"], &orders["nodes"][0]["id"]),
        (&json!(2), &spare["order"]["id"])
    );
    examples.all_ran();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_take_an_instance_through_its_life() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["instances"]);
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (instance, after) = running(&app, &ada, &product).await;
    let id = json!({ "id": instance });

    let mut statuses = Vec::new();
    for (name, variables) in [
        ("StopInstance", id.clone()),
        ("StartInstance", id.clone()),
        ("RestartInstance", id.clone()),
        ("UpdateInstance", json!({ "id": instance, "input": { "image": "web:2" } })),
    ] {
        let reply = examples.run(&ada, name, variables).await;
        statuses.push(reply["instance"]["status"].clone());
        app.run_tasks().await;
    }
    let shown = examples.run(&ada, "Instance", id.clone()).await;
    let told = json!({ "id": instance, "types": ["STATE_CHANGE"] });
    let told = examples.run(&ada, "InstanceLog", told).await["logs"]["nodes"].clone();
    let listed = examples.run(&ada, "Instances", json!({})).await;
    let changed = examples.follow(&app, &ada, "InstanceChanges", json!({ "after": after })).await;
    let pods = json!({ "instance": instance, "after": after });
    let pod = examples.follow(&app, &ada, "PodChanges", pods).await;
    let deleted = examples.run(&ada, "DeleteInstance", id).await;
    app.run_tasks().await;

    assert_eq!(statuses, ["STOPPING", "STARTING", "RESTARTING", "UPDATING"]);
    assert_eq!((&shown["status"], &shown["spec"]["image"]), (&json!("RUNNING"), &json!("web:2")));
    assert!(told.as_array().unwrap().len() >= statuses.len(), "{told}");
    assert_eq!(listed["nodes"][0]["whyNotRunning"], json!(null));
    assert_eq!(changed["event"]["type"], "INSTANCE_CREATED");
    assert_eq!(pod["kind"], "ADDED");
    assert_eq!(deleted["instance"]["status"], "DELETING");
    examples.all_ran();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_take_clusters_through_their_lives() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["clusters", "dev-clusters", "quota"]);
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let tenant = ada.personal_tenant().await;
    let before = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();

    let limits = json!([{ "dimension": "CLUSTERS", "limit": 2 }]);
    examples.run(&root, "SetTenantQuota", json!({ "tenant": tenant, "limits": limits })).await;
    let wish = json!({ "tenantId": tenant, "serviceName": "books", "namespace": "books" });
    let search = examples.run(&ada, "CreateSearchCluster", json!({ "input": wish })).await;
    let wish = json!({ "name": "dev", "provider": "K3D", "httpPort": 18090 });
    let dev = examples.run(&ada, "CreateDevCluster", json!({ "input": wish })).await;
    let quota = examples.run(&ada, "Quota", json!({})).await["tenants"][0]["tenant"].clone();
    app.run_tasks().await;
    app.observe().await;
    let shown = examples.run(&ada, "SearchCluster", json!({ "namespace": "books" })).await;
    let (search, dev) = (&search["cluster"]["id"], &dev["cluster"]["id"]);
    let size = json!({ "id": search, "input": { "replicas": 2 } });
    let scaled = examples.run(&ada, "UpdateSearchCluster", size).await;
    examples.run(&ada, "StopCluster", json!({ "id": dev })).await;
    app.run_tasks().await;
    examples.run(&ada, "StartCluster", json!({ "id": dev })).await;
    let leases = examples.run(&ada, "PortLeases", json!({})).await;
    let listed = examples.run(&ada, "Clusters", json!({})).await;
    let csv = json!({ "csv": "env,provider\nuat,kind\n", "dryRun": true });
    let imported = examples.run(&root, "ImportDevClusters", csv).await;
    let from = json!({ "id": search, "after": before });
    let changed = examples.follow(&app, &ada, "ClusterChanges", from.clone()).await;
    let pod = examples.follow(&app, &ada, "ClusterPods", from).await;
    let deleted = examples.run(&ada, "DeleteCluster", json!({ "id": search })).await;

    assert_eq!(quota["quota"][1]["reserved"], "2");
    assert_eq!(
        (&shown["status"], &shown["kubeStatus"]["phase"]),
        (&json!("RUNNING"), &json!("Running"))
    );
    assert_eq!(scaled["cluster"]["status"], "SCALING");
    assert_eq!(leases.as_array().unwrap().len(), 4);
    assert_eq!(listed["nodes"].as_array().unwrap().len(), 2);
    assert_eq!(imported["rows"][0]["outcome"], "CREATED");
    assert_eq!(changed["event"]["type"], "CLUSTER_CREATED");
    assert_eq!(pod["kind"], "ADDED");
    assert_eq!(deleted["cluster"]["status"], "DELETING");
    examples.all_ran();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_find_a_failed_task_and_try_it_again() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["workflows"]);
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (instance, after) = running(&app, &ada, &product).await;
    let refusal = Fault::Status(422, None);
    app.cluster.faults().fail_matching(Calls::to("patch", "deployments"), 2, refusal);
    ada.command("stopInstance", &instance).await.ok();
    app.run_tasks().await;

    let failed = examples.run(&ada, "FailedTasks", json!({})).await["nodes"][0].clone();
    let task = json!({ "id": failed["id"], "task": failed["id"] });
    let workflow = json!({ "id": failed["workflow"]["id"], "workflow": failed["workflow"]["id"] });
    let retried = examples.run(&ada, "RetryTask", task.clone()).await;
    app.run_tasks().await;
    let revived = examples.run(&ada, "RetryFailedTasks", workflow.clone()).await;
    let cancelled = examples.run(&ada, "CancelWorkflow", workflow.clone()).await;
    app.run_tasks().await;
    let listed = examples.run(&ada, "Workflows", json!({ "first": 1 })).await;
    let attempts = examples.run(&ada, "TaskAttempts", task.clone()).await;
    let log = examples.run(&ada, "TaskLogText", task.clone()).await;
    let changed = examples.follow(&app, &ada, "TaskChanges", json!({ "after": after })).await;
    let first = json!({ "task": changed["task"]["id"], "attempt": 1 });
    let piece = examples.follow(&app, &ada, "TaskLog", first).await;

    assert!(failed["error"].is_string(), "{failed}");
    assert_eq!(retried["task"]["status"], "PENDING");
    assert_eq!(revived["workflow"]["status"], "PENDING");
    assert_eq!(cancelled["workflow"]["id"], workflow["id"]);
    assert_eq!(listed["nodes"][0]["status"], "CANCELED");
    assert_eq!(attempts["attempts"][1]["status"], "FAILED");
    assert!(log["log"]["nextOffset"].is_string(), "{log}");
    assert!(piece["text"].as_str().unwrap().contains("applied"), "{piece}");
    assert_eq!(changed["previousStatus"], json!(null));
    examples.all_ran();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_monitors_and_administrators_run() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["events", "administration"]);
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let user = ada.id().await;

    let platform = examples.run(&app.anonymous(), "Platform", json!({})).await;
    let shelf = json!({ "input": product("web:1") });
    let made = examples.run(&root, "CreateProduct", shelf).await["product"]["id"].clone();
    let dearer = json!({ "id": made, "input": { "price": 700 } });
    let dearer = examples.run(&root, "UpdateProduct", dearer).await;
    let (_, after) = running(&app, &ada, made.as_str().unwrap()).await;
    let users = examples.run(&root, "Users", json!({ "filter": { "role": "USER" } })).await;
    let roles = json!({ "user": user, "roles": ["USER", "ADMIN"] });
    let roles = examples.run(&root, "SetUserRoles", roles).await;
    let status = json!({ "user": user, "status": "RESTRICTED", "reason": "unpaid" });
    let status = examples.run(&root, "SetUserStatus", status).await;
    let paid = json!({ "filter": { "types": ["ORDER_PAID"] }, "after": after });
    let events = examples.run(&root, "Events", paid.clone()).await;
    let event = examples.follow(&app, &root, "EventStream", paid).await;
    let order = &event["subject"]["id"];
    let things = examples.run(&root, "Things", json!({ "ids": [order, user] })).await;

    assert_eq!(platform["targets"][0]["simulated"], true);
    assert_eq!(dearer["product"]["price"], 700);
    assert_eq!(users["nodes"][0]["id"], user);
    assert_eq!(roles["user"]["roles"], json!(["USER", "ADMIN"]));
    assert_eq!(status["user"]["status"], "RESTRICTED");
    assert_eq!(events["nodes"][0]["cursor"], event["cursor"]);
    assert_eq!((&things[0]["orderStatus"], &things[1]["id"]), (&json!("COMPLETED"), &json!(user)));
    examples.all_ran();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_roll_a_version_out_and_back() {
    let app = TestApp::new().await;
    let mut examples = Examples::of(&["delivery", "deployments"]);
    let ada = app.user("ada").await;
    let repository = "https://git.example.com/acme/shop";
    let version = |tag: &str| {
        let input = json!({ "gitTag": tag, "gitCommit": "abc123def", "repository": repository });
        json!({ "input": input })
    };
    let application = json!({ "input": {
        "name": "api", "type": "microservice", "repository": repository, "config": {},
        "secrets": { "GIT_TOKEN": "s3cret" },
    } });
    let environment = json!({ "input": { "name": "production", "type": "KUBERNETES" } });

    let one = examples.run(&ada, "CreateVersion", version("v1")).await["version"]["id"].clone();
    let two = examples.run(&ada, "CreateVersion", version("v2")).await["version"]["id"].clone();
    let spare = examples.run(&ada, "CreateVersion", version("v3")).await["version"]["id"].clone();
    let made = examples.run(&ada, "CreateApplication", application).await["application"].clone();
    let place = examples.run(&ada, "CreateEnvironment", environment).await["environment"].clone();
    let change = json!({ "id": made["id"], "input": { "config": { "replicas": 2 } } });
    let changed = examples.run(&ada, "UpdateApplication", change).await;
    let change = json!({ "id": place["id"], "input": { "isActive": true } });
    let active = examples.run(&ada, "UpdateEnvironment", change).await;
    let shelf = examples.run(&ada, "Shelf", json!({ "repository": repository })).await;
    let deploy = |version: &Value| {
        let input = json!({
            "versionId": version, "applicationIds": [made["id"]], "environmentId": place["id"],
        });
        json!({ "input": input, "key": version })
    };
    let first = examples.run(&ada, "Deploy", deploy(&one)).await;
    let again = examples.run(&ada, "Deploy", deploy(&one)).await;
    app.run_tasks().await;
    let shown = json!({ "id": first["deployment"]["id"] });
    let shown = examples.run(&ada, "Deployment", shown).await;
    let second = examples.run(&ada, "Deploy", deploy(&two)).await["deployment"]["id"].clone();
    app.run_tasks().await;
    let back = examples.run(&ada, "Rollback", json!({ "id": second })).await["deployment"].clone();
    let cancelled = examples.run(&ada, "CancelDeployment", json!({ "id": back["id"] })).await;
    app.run_tasks().await;
    let failed = json!({ "environment": place["id"] });
    let failed = examples.run(&ada, "FailedDeployments", failed).await;
    let deleted = examples.run(&ada, "DeleteVersion", json!({ "id": spare })).await;
    let after = json!({ "environment": place["id"], "after": first["cursor"] });
    let told = examples.follow(&app, &ada, "DeploymentChanges", after).await;
    let after = json!({ "deployment": second, "after": first["cursor"] });
    let task = examples.follow(&app, &ada, "DeploymentTasks", after).await;

    assert_eq!(made["secrets"]["isSet"], true);
    assert_eq!(changed["application"]["config"], json!({ "replicas": 2 }));
    assert_eq!(active["environment"]["isActive"], true);
    assert!(shelf["nodes"].is_array(), "{shelf}");
    assert_eq!(
        (&again["replayed"], &again["deployment"]["id"]),
        (&json!(true), &first["deployment"]["id"])
    );
    assert_eq!(shown["status"], "SUCCESS", "{shown:#}");
    assert_eq!(back["version"]["gitTag"], "v1");
    assert_eq!(cancelled["deployment"]["id"], back["id"]);
    assert_eq!(failed["nodes"][0]["errorMessage"], "Deployment cancelled by user");
    assert_eq!(deleted["id"], spare);
    assert_eq!(told["event"]["type"], "DEPLOYMENT_CREATED");
    assert_eq!(task["task"]["name"], "build api");
    examples.all_ran();
}
