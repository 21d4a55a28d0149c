//! Objects that others change, remove, or bring back.

use std::time::Duration;

use axum::http::Request;
use domain::runtime::{Part, Runtime, Target, Workload};
use kubernetes::KubernetesRuntime;
use serde_json::{Value, json};

use crate::{
    recovery::run_twice,
    support::{Client, TestApp},
};

const NAMESPACE: &str = "slipway-personal-2--instances";

async fn running(app: &TestApp) -> (Client, String) {
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    app.observe().await;
    (ada, instance)
}

fn path(kind: &str) -> String {
    match kind {
        "Deployment" => format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/web"),
        "Service" => format!("/api/v1/namespaces/{NAMESPACE}/services/web"),
        "Ingress" => format!("/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses/web"),
        kind => panic!("{kind} is none of ours"),
    }
}

/// What somebody does with their own client.
async fn call(app: &TestApp, method: &str, path: &str, body: Value) -> Value {
    let client = kube::Client::new(app.cluster.router(), "default");
    let form = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", form)
        .body(body.to_string().into_bytes());
    client.request(request.unwrap()).await.unwrap()
}

/// The differences that the newest workflow has found.
async fn found(ada: &Client, instance: &str) -> Vec<String> {
    let newest = ada.instance(instance).await["workflows"]["nodes"][0].clone();
    assert_eq!(newest["kind"], "reconcile_instance", "{newest}");
    let workflow = ada.workflow(newest["id"].as_str().unwrap()).await;
    assert_eq!(workflow["status"], "SUCCESS");
    let log = workflow["tasks"][0]["log"]["text"].as_str().unwrap().to_owned();
    log.lines().map(str::to_owned).collect()
}

async fn workflows(ada: &Client, instance: &str) -> Value {
    ada.instance(instance).await["workflows"]["totalCount"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changes_is_changed_back_and_shown() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;
    let changes = [
        (
            "Deployment",
            json!({ "spec": { "replicas": 3 } }),
            "Deployment web: spec.replicas is 3, not 1",
        ),
        (
            "Service",
            json!({ "spec": { "selector": { "slipway.io/instance": "another" } } }),
            "Service web: spec.selector.slipway.io/instance is \"another\"",
        ),
        (
            "Service",
            json!({ "spec": { "selector": { "narrower": "yes" } } }),
            "Service web: spec.selector.narrower was added",
        ),
        (
            "Service",
            json!({ "metadata": { "annotations": { "slipway.io/applied": null } } }),
            "Service web: slipway.io/applied is not as it was written",
        ),
        (
            "Ingress",
            json!({ "metadata": { "labels": { "app.kubernetes.io/name": "other" } } }),
            "Ingress web: metadata.labels.app.kubernetes.io/name is \"other\"",
        ),
    ];

    for (kind, change, expected) in changes {
        let before = app.object(&path(kind)).await["spec"].clone();
        call(&app, "PATCH", &path(kind), change).await;
        app.observe().await;
        app.run_tasks().await;

        let found = found(&ada, &instance).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(expected), "{found:?}");
        assert_eq!(app.object(&path(kind)).await["spec"], before, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_object_that_vanishes_is_put_back() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;

    for kind in ["Deployment", "Service", "Ingress"] {
        call(&app, "DELETE", &path(kind), json!({})).await;
        app.observe().await;
        app.run_tasks().await;

        assert_eq!(found(&ada, &instance).await, [format!("{kind} web is missing")]);
        assert_eq!(app.object(&path(kind)).await["metadata"]["name"], "web");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_is_left_alone() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;
    let note = json!({ "metadata": { "annotations": { "owner.example/team": "a" } } });
    call(&app, "PATCH", &path("Deployment"), note).await;

    app.observe().await;
    app.advance(Duration::from_secs(600));
    app.observe().await;

    assert_eq!(workflows(&ada, &instance).await, 1);
    let annotations = app.object(&path("Deployment")).await["metadata"]["annotations"].clone();
    assert_eq!(annotations["owner.example/team"], "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_that_puts_back_or_sweeps_away_may_run_twice() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;

    call(&app, "DELETE", &path("Deployment"), json!({})).await;
    app.observe().await;
    run_twice(&app).await;
    let put_back = newest(&ada, &instance).await;
    let standing = app.standing().await;
    delete_and_bring_back(&app, &ada, &instance).await;
    app.observe().await;
    run_twice(&app).await;
    let swept = newest(&ada, &instance).await;

    assert_eq!(put_back, ("reconcile_instance".into(), "SUCCESS".into()));
    assert_eq!(standing.iter().filter(|name| *name == "Deployment web").count(), 1);
    assert_eq!(swept, ("sweep_instance".into(), "SUCCESS".into()));
    assert_eq!(app.standing().await, Vec::<String>::new());
}

/// Deletes an instance; a process that was deposed then makes some of it again.
async fn delete_and_bring_back(app: &TestApp, ada: &Client, instance: &str) {
    let stored = app.control_plane.instances_by_id(&[instance.parse().unwrap()]).await.unwrap();
    let workload = Workload { replicas: 1, ..stored[0].workload(None) };
    ada.command("deleteInstance", instance).await.ok();
    app.run_tasks().await;
    assert_eq!(app.standing().await, Vec::<String>::new());
    let client = kube::Client::new(app.cluster.router(), "default");
    let target = Target { name: "simulated".to_owned(), simulated: true };
    let deposed = KubernetesRuntime::new(client, target);
    deposed.apply(&workload, Part::Deployment).await.unwrap();
    deposed.apply(&workload, Part::Service).await.unwrap();
}

/// The kind and the status of an instance's newest workflow.
async fn newest(ada: &Client, instance: &str) -> (String, String) {
    let newest = ada.instance(instance).await["workflows"]["nodes"][0].clone();
    (newest["kind"].as_str().unwrap().to_owned(), newest["status"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_after_a_removal_is_swept_away() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;

    delete_and_bring_back(&app, &ada, &instance).await;
    app.observe().await;
    app.run_tasks().await;

    assert_eq!(app.standing().await, Vec::<String>::new());
    assert_eq!(newest(&ada, &instance).await, ("sweep_instance".into(), "SUCCESS".into()));
    app.observe().await;
    assert_eq!(workflows(&ada, &instance).await, 3, "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_another_slipway_is_left_alone() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;
    let stored = app.control_plane.instances_by_id(&[instance.parse().unwrap()]).await.unwrap();
    let mut workload = stored[0].workload(None);
    workload.place.name = "other".to_owned();
    workload.place.instance_id = domain::ids::InstanceId::fresh();
    let client = kube::Client::new(app.cluster.router(), "default");
    let target = Target { name: "simulated".to_owned(), simulated: true };
    KubernetesRuntime::new(client, target).apply(&workload, Part::Deployment).await.unwrap();

    app.observe().await;
    app.run_tasks().await;

    assert!(app.standing().await.contains(&"Deployment other".to_owned()));
    assert_eq!(workflows(&ada, &instance).await, 1);
}
