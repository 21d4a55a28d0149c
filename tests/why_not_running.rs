//! Every way in which an instance can fail to run, and what is said about it.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use domain::Settings;
use jiff::SignedDuration;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, ResourceQuota, Service},
};
use kube::{
    Api, Client,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use simulator::Fault;

use crate::support::{TestApp, product};

const NAMESPACE: &str = "slipway-personal-2--instances";
/// That of a search cluster called `books`.
const BOOKS: &str = "slipway-personal-2--books-2";

/// What is said of an instance of this product that began some time ago.
async fn said(app: &TestApp, input: Value, seconds: u64) -> Value {
    let instance = bought(app, input).await;
    while app.control_plane.run_next_task().await.unwrap() {}
    app.advance(Duration::from_secs(seconds));
    app.observe().await;
    why(app, &instance).await
}

async fn bought(app: &TestApp, input: Value) -> String {
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let made = root.try_create_product(input).await.ok();
    let product = made["createProduct"]["product"]["id"].as_str().unwrap().to_owned();
    ada.buy(&product, "web").await.1
}

async fn why(app: &TestApp, instance: &str) -> Value {
    let ada = app.anonymous().login("ada").await;
    ada.instance(instance).await["whyNotRunning"].clone()
}

fn evidence(why: &Value) -> Vec<&str> {
    why["evidence"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
}

fn client(app: &TestApp) -> Client {
    Client::new(app.cluster.router(), "default")
}

async fn create<K>(api: Api<K>, object: Value)
where
    K: Clone + Debug + DeserializeOwned + Serialize,
{
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

async fn create_namespace(app: &TestApp, name: &str) {
    create(Api::<Namespace>::all(client(app)), json!({ "metadata": { "name": name } })).await;
}

/// Makes a namespace in which no pod may be.
async fn allow_no_pods(app: &TestApp, namespace: &str) {
    create_namespace(app, namespace).await;
    let quota = json!({ "metadata": { "name": "none" }, "spec": { "hard": { "pods": "0" } } });
    create(Api::<ResourceQuota>::namespaced(client(app), namespace), quota).await;
}

/// What is said of a search cluster called `books`, which began some time ago.
async fn said_of_books(app: &TestApp, id: &str) -> Value {
    while app.control_plane.run_next_task().await.unwrap() {}
    app.advance(Duration::from_secs(30));
    while app.control_plane.run_next_task().await.unwrap() {}
    app.observe().await;
    let ada = app.anonymous().login("ada").await;
    let document = "query($id: ID!) { node(id: $id) { ... on SearchCluster {
        whyNotRunning { code message evidence } } } }";
    ada.send(document, json!({ "id": id })).await.ok()["node"]["whyNotRunning"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled() {
    let app = TestApp::new().await;

    let why = said(&app, product("nopull:1"), 30).await;

    assert_eq!(why["code"], "IMAGE_PULL");
    assert_eq!(why["message"], "the image cannot be pulled");
    let evidence = evidence(&why);
    assert!(evidence.iter().any(|it| it.starts_with("ImagePullBackOff: ")), "{evidence:?}");
    assert!(evidence.iter().any(|it| it.starts_with("event: Failed: ")), "{evidence:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_crashes_with_its_exit_code_and_the_end_of_its_log() {
    let app = TestApp::new().await;

    let why = said(&app, product("crash:1"), 30).await;

    assert_eq!(why["code"], "CRASH_LOOP");
    assert_eq!(why["message"], "the container ends again and again, last with exit code 1");
    let evidence = evidence(&why);
    assert!(evidence.iter().any(|it| it.starts_with("CrashLoopBackOff: ")), "{evidence:?}");
    assert_eq!(evidence.last(), Some(&"log: app: fatal: giving up, exiting with code 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_wants_more_memory_than_it_has() {
    let app = TestApp::new().await;

    let why = said(&app, product("oom:1"), 30).await;

    assert_eq!(why["code"], "OUT_OF_MEMORY");
    assert_eq!(evidence(&why)[0], "OOMKilled");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_no_node_has_room_for_with_what_it_lacks() {
    let app = TestApp::new().await;
    let mut input = product("web:1");
    input["spec"]["gpu"] = json!({ "type": 1, "count": 64 });

    let why = said(&app, input, 30).await;

    assert_eq!(why["code"], "UNSCHEDULABLE");
    let message = "no node has room for the pod: there is not enough nvidia.com/gpu";
    assert_eq!(why["message"], message);
    assert!(evidence(&why)[0].starts_with("Unschedulable: 0/"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_used_up() {
    let app = TestApp::new().await;
    let instance = bought(&app, product("web:1")).await;
    allow_no_pods(&app, NAMESPACE).await;

    while app.control_plane.run_next_task().await.unwrap() {}
    app.advance(Duration::from_secs(30));
    app.observe().await;

    let why = why(&app, &instance).await;
    assert_eq!(why["code"], "QUOTA", "{why}");
    assert_eq!(why["message"], "the cluster's quota for the tenant is used up");
    assert!(evidence(&why)[0].contains("exceeded quota: none"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_not_ready_and_a_rollout_that_gets_nowhere() {
    let settings = Settings { task_deadline: SignedDuration::from_hours(1), ..Settings::default() };
    let app = TestApp::with(settings).await;

    let early = said(&app, product("notready:1"), 30).await;
    app.advance(Duration::from_secs(600));
    app.observe().await;
    let nodes = app.anonymous().login("ada").await;
    let nodes = nodes.send("{ instances { nodes { whyNotRunning { code message } } } }", json!({}));
    let late = nodes.await.ok()["instances"]["nodes"][0]["whyNotRunning"].clone();

    assert_eq!(early["code"], "NOT_READY");
    assert!(evidence(&early)[0].starts_with("ContainersNotReady: "), "{early}");
    assert_eq!(late, json!({ "code": "DEADLINE", "message": "it was not ready in time" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_on_its_way_out() {
    let app = TestApp::new().await;
    let instance = bought(&app, product("web:1")).await;
    create_namespace(&app, NAMESPACE).await;
    let held = json!({ "metadata": { "name": "held", "finalizers": ["example.com/hold"] } });
    create(Api::<ConfigMap>::namespaced(client(&app), NAMESPACE), held).await;
    let namespaces = Api::<Namespace>::all(client(&app));
    namespaces.delete(NAMESPACE, &DeleteParams::default()).await.unwrap();
    app.observe().await;

    // The namespace itself can be applied; what belongs into it cannot.
    for _ in 0..4 {
        app.control_plane.run_next_task().await.unwrap();
    }

    let why = why(&app, &instance).await;
    assert_eq!(why["code"], "NAMESPACE_TERMINATING", "{why}");
    assert!(evidence(&why)[0].contains("is terminating"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer() {
    let app = TestApp::new().await;
    let instance = bought(&app, product("web:1")).await;
    app.observe().await;
    app.cluster.faults().fail_at_rate(1.0, 7, &[Fault::Status(503, None)]);

    app.control_plane.run_next_task().await.unwrap();

    let why = why(&app, &instance).await;
    assert_eq!(why["code"], "TARGET_UNREACHABLE", "{why}");
    assert_eq!(why["message"], "the cluster does not answer");
    assert_eq!(evidence(&why), ["the cluster is unavailable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_by_what_the_new_pod_says_alone() {
    let app = TestApp::new().await;
    let instance = bought(&app, product("crash:1")).await;
    while app.control_plane.run_next_task().await.unwrap() {}
    app.advance(Duration::from_secs(30));
    let deployments = Api::<Deployment>::namespaced(client(&app), NAMESPACE);
    let image = json!([{ "op": "replace", "path": "/spec/template/spec/containers/0/image",
        "value": "nopull:1" }]);
    let image = Patch::Json::<()>(serde_json::from_value(image).unwrap());
    deployments.patch("web", &PatchParams::default(), &image).await.unwrap();
    app.advance(Duration::from_secs(30));

    app.observe().await;

    let why = why(&app, &instance).await;
    assert_eq!(why["code"], "IMAGE_PULL", "{why}");
    let ada = app.anonymous().login("ada").await;
    let pods = "query($id: ID!) { instance(id: $id) { pods { revision } } }";
    let shown = ada.send(pods, json!({ "id": instance })).await.ok();
    let revisions: BTreeSet<_> = shown["instance"]["pods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["revision"].as_i64())
        .collect();
    assert_eq!(revisions, BTreeSet::from([Some(1), Some(2)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_leads_nowhere() {
    let app = TestApp::new().await;
    let instance = bought(&app, product("web:1")).await;
    app.run_tasks().await;
    let services = Api::<Service>::namespaced(client(&app), NAMESPACE);
    let astray = Patch::Merge(json!({ "spec": { "selector": { "slipway.io/instance": "none" } } }));
    services.patch("web", &PatchParams::default(), &astray).await.unwrap();
    app.advance(Duration::from_secs(5));

    app.observe().await;

    let why = why(&app, &instance).await;
    assert_eq!(why["code"], "NOT_READY", "{why}");
    assert_eq!(why["message"], "its pods are ready, but no traffic reaches them");
    app.run_tasks().await;
    app.observe().await;
    let ada = app.anonymous().login("ada").await;
    let document = "query($id: ID!) { instance(id: $id) {
        runtime { readyEndpoints } whyNotRunning { code } } }";
    let mended = ada.send(document, json!({ "id": instance })).await.ok()["instance"].clone();
    assert_eq!(mended, json!({ "runtime": { "readyEndpoints": 1 }, "whyNotRunning": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_whose_pods_the_clusters_quota_forbids() {
    let app = TestApp::new().await;
    app.admin().await;
    let (books, _) = app.user("ada").await.search_cluster("books").await;
    allow_no_pods(&app, BOOKS).await;

    let why = said_of_books(&app, &books).await;

    assert_eq!(why["code"], "QUOTA", "{why}");
    assert!(evidence(&why)[0].starts_with("FailedCreate: create Pod books-0 "), "{why}");
    assert!(evidence(&why)[0].contains("exceeded quota: none"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_cluster_whose_claim_has_no_volume() {
    let app = TestApp::new().await;
    app.admin().await;
    let (books, _) = app.user("ada").await.search_cluster("books").await;
    create_namespace(&app, BOOKS).await;
    let claim = json!({
        "metadata": { "name": "data-books-0", "labels": {
            "app.kubernetes.io/managed-by": "slipway", "slipway.io/cluster": books,
        } },
        "spec": {
            "storageClassName": "nobind",
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "10Gi" } },
        },
    });
    create(Api::<PersistentVolumeClaim>::namespaced(client(&app), BOOKS), claim).await;

    let why = said_of_books(&app, &books).await;

    assert_eq!(why["code"], "UNSCHEDULABLE", "{why}");
    assert_eq!(why["message"], "a volume that the pod needs is not there");
    let claim = "claim: data-books-0 is Pending, of storage class nobind";
    assert!(evidence(&why).contains(&claim), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_what_runs_or_should_not() {
    let app = TestApp::new().await;
    let instance = bought(&app, product("web:1")).await;
    app.run_tasks().await;
    app.observe().await;
    let running = why(&app, &instance).await;

    let ada = app.anonymous().login("ada").await;
    ada.command("stopInstance", &instance).await.ok();
    app.run_tasks().await;
    app.observe().await;

    assert_eq!((running, why(&app, &instance).await), (Value::Null, Value::Null));
}
