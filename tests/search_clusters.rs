use api::config::Door;
use domain::Settings;
use serde_json::{Value, json};

use crate::{
    recovery::{FREE_AGAIN, undoing},
    support::{Client, Subscription, TestApp},
};

/// The namespace of `books` in the personal tenant of the first account that is not root.
const NAMESPACE: &str = "slipway-personal-2--books-2";

async fn quota(client: &Client, dimension: &str) -> (Value, Value) {
    let document = "{ viewer { tenants { tenant { quota { dimension used reserved } } } } }";
    let reply = client.send(document, json!({})).await.ok();
    let lines = reply["viewer"]["tenants"][0]["tenant"]["quota"].as_array().unwrap().clone();
    let line = lines.iter().find(|line| line["dimension"] == dimension).unwrap();
    (line["used"].clone(), line["reserved"].clone())
}

async fn disks(app: &TestApp) -> Vec<Value> {
    let claims = app.object("/api/v1/persistentvolumeclaims").await["items"].clone();
    let asked = |claim: &Value| claim["spec"]["resources"]["requests"]["storage"].clone();
    claims.as_array().unwrap().iter().map(asked).collect()
}

async fn namespaces(app: &TestApp) -> Vec<String> {
    let found = app.object("/api/v1/namespaces").await["items"].clone();
    let names = found.as_array().unwrap().iter().map(|it| it["metadata"]["name"].clone());
    names
        .filter_map(|it| it.as_str().map(str::to_owned))
        .filter(|it| it.starts_with("slipway-"))
        .collect()
}

/// A running search cluster called `books`.
async fn running(app: &TestApp) -> (Client, String) {
    app.admin().await;
    let ada = app.user("ada").await;
    let (id, _) = ada.search_cluster("books").await;
    app.run_tasks().await;
    app.observe().await;
    (ada, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_is_made_of_all_that_it_needs_and_shows_how_it_is() {
    let app = TestApp::new().await;
    app.admin().await;
    let ada = app.user("ada").await;
    let input = json!({
        "tenantId": ada.personal_tenant().await, "serviceName": "books", "dimension": 768,
        "vectorCount": "1000000", "sourceUrl": "https://git.example/books.git",
    });

    let made = ada.create_search_cluster(input).await.ok()["createSearchCluster"].clone();
    let id = made["cluster"]["id"].as_str().unwrap();
    assert_eq!(made["cluster"]["status"], "PENDING");
    assert_eq!(made["cluster"]["namespace"], "books-2");
    assert_eq!(made["cluster"]["targetNamespace"], NAMESPACE);
    assert_eq!(quota(&ada, "DISK_MIB").await, (json!("0"), json!("30720")));
    app.run_tasks().await;
    assert_eq!(ada.cluster(id).await["status"], "CREATING", "nobody has looked yet");
    app.observe().await;

    let shown = ada.cluster(id).await;
    assert_eq!((&shown["status"], &shown["storedStatus"]), (&json!("RUNNING"), &json!("CREATED")));
    assert_eq!(
        shown["kubeStatus"],
        json!({ "phase": "Running", "readyReplicas": 3, "totalReplicas": 3, "stale": false })
    );
    let vector = json!({ "dimension": 768, "expectedCount": "1000000", "indexLimit": 10 });
    assert_eq!(shown["vector"], vector);
    let pods = shown["pods"].as_array().unwrap().iter().map(|pod| pod["name"].clone());
    assert_eq!(pods.collect::<Vec<_>>(), ["books-0", "books-1", "books-2"]);
    let standing = app.standing().await;
    for object in
        ["StatefulSet books", "Service books", "Service books-nodes", "PodDisruptionBudget books"]
    {
        assert!(standing.iter().any(|it| it == object), "{object} in {standing:?}");
    }
    assert_eq!(disks(&app).await, ["10Gi", "10Gi", "10Gi"]);
    assert_eq!(quota(&ada, "DISK_MIB").await, (json!("30720"), json!("0")));
    assert_eq!(quota(&ada, "CPU_MILLIS").await, (json!("3000"), json!("0")));
    let told = configured(&ada, made["workflow"]["id"].as_str().unwrap()).await;
    assert_eq!(told, "the index template and the limit of indices are set\n");
}

/// What the task that sets the index template has said.
async fn configured(client: &Client, workflow: &str) -> String {
    let tasks = client.workflow(workflow).await["tasks"].as_array().unwrap().clone();
    let task = tasks.iter().find(|task| task["name"] == "configure_indices").unwrap();
    assert_eq!(task["status"], "SUCCESS");
    task["log"]["text"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_that_does_not_take_its_index_template_is_left_as_it_is() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let calls = simulator::Calls::to("update", "services");
    app.cluster.faults().fail_matching(calls, 10_000, simulator::Fault::Status(422, None));
    let input = json!({
        "tenantId": ada.personal_tenant().await, "serviceName": "books", "dimension": 768,
    });

    let made = ada.create_search_cluster(input).await.ok()["createSearchCluster"].clone();
    app.run_tasks().await;

    let told = configured(&ada, made["workflow"]["id"].as_str().unwrap()).await;
    assert!(told.starts_with("skipped: the cluster does not take _index_template"), "{told}");
    let shown = ada.cluster(made["cluster"]["id"].as_str().unwrap()).await;
    assert_eq!(shown["storedStatus"], "CREATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_grows_and_shrinks_with_its_disks_and_its_quota() {
    let app = TestApp::new().await;
    let (ada, id) = running(&app).await;

    let larger = json!({ "replicas": 5, "diskSize": "20Gi" });
    let scaled = ada.update_search_cluster(&id, larger).await.ok();
    assert_eq!(scaled["updateSearchCluster"]["cluster"]["status"], "SCALING");
    let later = ada.update_search_cluster(&id, json!({ "replicas": 2 })).await.ok();
    assert_eq!(later["updateSearchCluster"]["workflow"]["queuePosition"], 1);
    let mut most = 0;
    for _ in 0..400 {
        while app.control_plane.run_next_task().await.unwrap() {}
        most = most.max(disks(&app).await.len());
        app.advance(std::time::Duration::from_millis(500));
    }
    app.observe().await;

    let shown = ada.cluster(&id).await;
    assert_eq!((&shown["status"], &shown["replicas"]), (&json!("RUNNING"), &json!(2)));
    assert_eq!(most, 5, "each update was carried out in its turn");
    assert_eq!(disks(&app).await, ["20Gi", "20Gi"]);
    assert_eq!(quota(&ada, "DISK_MIB").await, (json!("40960"), json!("0")));
    let refused = ada.update_search_cluster(&id, json!({ "diskSize": "19Gi" })).await;
    assert_eq!(refused.error(), "INVALID: input.diskSize: must not be less than it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_search_cluster_leaves_neither_volumes_nor_a_namespace() {
    let app = TestApp::new().await;
    let (ada, id) = running(&app).await;

    let deleted = ada.command_cluster("deleteCluster", &id).await.ok();
    app.run_tasks().await;
    app.observe().await;

    assert_eq!(deleted["deleteCluster"]["cluster"]["status"], "DELETING");
    assert_eq!(app.standing().await, Vec::<String>::new());
    assert_eq!(disks(&app).await, Vec::<Value>::new());
    assert_eq!(namespaces(&app).await, Vec::<String>::new());
    let shown = ada.cluster(&id).await;
    assert_eq!((&shown["status"], &shown["pods"]), (&json!("DELETED"), &json!([])));
    assert_eq!(quota(&ada, "CLUSTERS").await, (json!("0"), json!("0")));
    let workflow = deleted["deleteCluster"]["workflow"]["id"].as_str().unwrap();
    let tasks = ada.workflow(workflow).await["tasks"].clone();
    let names: Vec<_> = tasks.as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(
        names,
        [
            "remove_stateful_set",
            "remove_volumes",
            "remove_disruption_budget",
            "remove_client_service",
            "remove_headless_service",
            "remove_namespace",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_that_does_not_come_up_says_why_and_leaves_nothing() {
    let settings = Settings { search_image: "crash:1".to_owned(), ..Settings::default() };
    let app = TestApp::with(settings).await;
    let ada = app.user("ada").await;
    let (id, workflow) = ada.search_cluster("books").await;

    for _ in 0..60 {
        while app.control_plane.run_next_task().await.unwrap() {}
        app.advance(std::time::Duration::from_millis(500));
    }
    app.observe().await;
    let tasks = ada.workflow(&workflow).await["tasks"].clone();
    let rollout =
        tasks.as_array().unwrap().iter().find(|it| it["name"] == "await_rollout").unwrap();
    let reason = rollout["waitReason"].as_str().unwrap();
    assert!(reason.starts_with("CrashLoopBackOff"), "{reason}");
    assert_eq!(ada.cluster(&id).await["kubeStatus"]["phase"], "Troubled");
    app.run_tasks().await;

    let shown = ada.cluster(&id).await;
    assert_eq!(shown["status"], "FAILED");
    assert!(shown["failure"].as_str().unwrap().contains("CrashLoopBackOff"), "{shown}");
    assert!(undoing(&ada, &workflow).await <= FREE_AGAIN);
    assert_eq!(app.standing().await, Vec::<String>::new());
    assert_eq!(namespaces(&app).await, Vec::<String>::new());
    for dimension in ["CLUSTERS", "CPU_MILLIS", "MEMORY_MIB", "DISK_MIB", "RUNNING_WORKFLOWS"] {
        assert_eq!(quota(&ada, dimension).await, (json!("0"), json!("0")), "{dimension}");
    }
    ada.search_cluster("books").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_beyond_the_quota_is_refused_with_every_dimension() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let tenant = ada.personal_tenant().await;
    let document = "mutation($id: ID!) { setTenantQuota(tenantId: $id, limits: [
        { dimension: CLUSTERS, limit: 0 }, { dimension: CPU_MILLIS, limit: 2999 },
        { dimension: MEMORY_MIB, limit: 6144 }, { dimension: DISK_MIB, limit: 1 },
        { dimension: GPU, limit: 2 }]) { cursor } }";
    root.send(document, json!({ "id": tenant })).await.ok();
    let input = json!({ "tenantId": tenant, "serviceName": "books", "gpuCount": 1 });

    let refused = ada.create_search_cluster(input).await;

    assert_eq!(
        refused.extension("dimensions"),
        &json!([
            { "dimension": "CLUSTERS", "requested": 1, "available": 0 },
            { "dimension": "CPU_MILLIS", "requested": 3000, "available": 2999 },
            { "dimension": "DISK_MIB", "requested": 30720, "available": 1 },
            { "dimension": "GPU", "requested": 3, "available": 2 },
        ])
    );
    let listed = ada.send("{ clusters { totalCount } }", json!({})).await.ok();
    assert_eq!(listed["clusters"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_namespaces_are_held_in_the_tenant_until_they_are_free() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let tenant = ada.create_tenant("acme").await;
    let other = ada.create_tenant("other").await;
    let input = |tenant: &str, name: &str, namespace: &str| json!({ "tenantId": tenant, "serviceName": name, "namespace": namespace });
    ada.create_search_cluster(input(&tenant, "books", "search")).await.ok();

    let name = ada.create_search_cluster(input(&tenant, "books", "elsewhere")).await;
    let namespace = ada.create_search_cluster(input(&tenant, "films", "search")).await;
    let reserved = ada.create_search_cluster(input(&tenant, "films", "instances")).await;
    let long = ada.create_search_cluster(input(&tenant, "films", &"n".repeat(50))).await;

    assert_eq!((name.code(), namespace.code()), ("ALREADY_EXISTS", "ALREADY_EXISTS"));
    assert_eq!(reserved.extension("field"), "input.namespace");
    assert_eq!(long.extension("field"), "input.namespace");
    let query = "query($name: String!) { searchCluster(namespace: $name) { name tenant { id } } }";
    let by = async |name: &str| ada.send(query, json!({ "name": name })).await;
    let found = json!({ "name": "books", "tenant": { "id": tenant } });
    assert_eq!(by("search").await.ok()["searchCluster"], found);
    assert_eq!(by("slipway-acme--search").await.ok()["searchCluster"], found);
    assert_eq!(by("nowhere").await.ok()["searchCluster"], Value::Null);
    ada.create_search_cluster(input(&other, "books", "search")).await.ok();
    assert_eq!(by("search").await.code(), "INVALID");
    assert_eq!(by("slipway-acme--search").await.ok()["searchCluster"], found);
    let eve = app.user("eve").await;
    let hidden = eve.send(query, json!({ "name": "slipway-acme--search" })).await.ok();
    assert_eq!(hidden["searchCluster"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_has_no_switch() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let (search, _) = ada.search_cluster("books").await;
    let dev = ada.dev_cluster("dev").await;

    let stopped = ada.command_cluster("stopCluster", &search).await;
    let scaled = ada.update_search_cluster(&dev, json!({ "replicas": 1 })).await;

    assert_eq!(stopped.error(), "INVALID: id: is not the id of a development cluster");
    assert_eq!(scaled.error(), "INVALID: id: is not the id of a search cluster");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_search_cluster_is_put_back() {
    let app = TestApp::new().await;
    let (ada, id) = running(&app).await;
    let lost = simulator::Cluster::new(simulator::Clock::manual(app.cluster.now()));

    let app = app.moved_to(lost).await;
    app.observe().await;
    app.run_tasks().await;
    app.observe().await;

    let ada = Client::new(app.routes.clone(), ada.token.as_deref());
    let shown = ada.cluster(&id).await;
    assert_eq!(
        (&shown["status"], &shown["kubeStatus"]["readyReplicas"]),
        (&json!("RUNNING"), &json!(3))
    );
    assert_eq!(shown["workflows"]["nodes"][0]["kind"], "reconcile_search_cluster");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_of_a_search_cluster_are_followed_and_logged() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let before = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let (id, _) = ada.search_cluster("books").await;
    app.run_tasks().await;
    app.observe().await;

    let document = "subscription($id: ID!, $after: Cursor) {
        podStateChanged(clusterId: $id, after: $after) {
            kind pod { name uid } instance { id } cluster { id name } } }";
    let variables = json!({ "id": id, "after": before });
    let (address, _stop) = app.served(Door::default()).await;
    let token = ada.token.as_deref().unwrap();
    let mut changes = Subscription::start(&address, token, document, variables).await;

    let change = changes.next().await["podStateChanged"].clone();
    assert_eq!((&change["kind"], &change["pod"]["name"]), (&json!("ADDED"), &json!("books-0")));
    assert_eq!(change["cluster"], json!({ "id": id, "name": "books" }));
    assert_eq!(change["instance"], Value::Null);
}
