use serde_json::{Value, json};

use crate::support::{DEPLOYMENTS, TestCluster, condition, deployment};

const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";

fn applied_by(manager: &str) -> String {
    format!("{WEB}?fieldManager={manager}")
}

fn forced_by(manager: &str) -> String {
    format!("{WEB}?fieldManager={manager}&force=true")
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}

fn owners(object: &Value) -> Vec<(String, String)> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries.iter().map(|entry| (text(&entry["manager"]), text(&entry["operation"]))).collect()
}

#[tokio::test]
async fn an_identical_apply_changes_nothing() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:1", 1);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "0.25", "memory": "0.5Gi"}});

    let first = test.apply(&forced_by("slipway"), web.clone()).await;
    test.advance(3.0);
    let settled = test.get(WEB).await.ok();
    let second = test.apply(&forced_by("slipway"), web).await;

    assert_eq!(first.status, 201);
    assert_eq!(second.status, 200);
    assert_eq!(second.body, settled);
    let resources = &settled["spec"]["template"]["spec"]["containers"][0]["resources"];
    assert_eq!(resources["requests"], json!({"cpu": "250m", "memory": "512Mi"}));
}

#[tokio::test]
async fn an_apply_owns_exactly_what_it_says() {
    let test = TestCluster::with_namespace().await;
    let made = test.apply(&forced_by("slipway"), deployment("web", "web:1", 1)).await.ok();

    let entry = &made["metadata"]["managedFields"][0];
    assert_eq!(entry["operation"], "Apply");
    assert_eq!(
        entry["fieldsV1"],
        json!({"f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:app": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"app\"}": {
                    ".": {},
                    "f:image": {},
                    "f:name": {},
                    "f:ports": {"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}": {
                        ".": {},
                        "f:containerPort": {},
                        "f:name": {},
                    }},
                }}},
            },
        }})
    );
}

#[tokio::test]
async fn what_is_left_out_is_removed() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:1", 1);
    web["metadata"]["annotations"] = json!({"example.io/note": "a"});
    web["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]);
    web["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"httpGet": {"path": "/", "port": "http"}});
    test.apply(&applied_by("slipway"), web.clone()).await.ok();

    web["metadata"]["annotations"] = Value::Null;
    let container = &mut web["spec"]["template"]["spec"]["containers"][0];
    container["env"] = json!([{"name": "A", "value": "1"}]);
    container["readinessProbe"] = Value::Null;
    let after = test.apply(&applied_by("slipway"), web).await.ok();

    let container = &after["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["env"], json!([{"name": "A", "value": "1"}]));
    assert_eq!(container["readinessProbe"], Value::Null);
    assert_eq!(after["metadata"]["annotations"]["example.io/note"], Value::Null);
    assert_eq!(after["metadata"]["generation"], 2);
}

#[tokio::test]
async fn two_managers_conflict_share_and_take_over() {
    let test = TestCluster::with_namespace().await;
    test.apply(&applied_by("slipway"), deployment("web", "web:1", 1)).await.ok();
    let scaled = |replicas: i64| {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"replicas": replicas},
        })
    };

    let refused = test.apply(&applied_by("scaler"), scaled(2)).await;
    let shared = test.apply(&applied_by("scaler"), scaled(1)).await.ok();
    let taken = test.apply(&forced_by("scaler"), scaled(2)).await.ok();
    let late = test.apply(&applied_by("slipway"), deployment("web", "web:1", 1)).await;

    assert_eq!(
        refused.refusal().2,
        "Apply failed with 1 conflict: conflict with \"slipway\": .spec.replicas"
    );
    assert_eq!(
        refused.body["details"],
        json!({"causes": [{
            "reason": "FieldManagerConflict",
            "message": "conflict with \"slipway\"",
            "field": ".spec.replicas",
        }]})
    );
    assert_eq!(owners(&shared)[0], ("scaler".into(), "Apply".into()));
    assert_eq!(shared["metadata"]["managedFields"][0]["time"], Value::Null);
    assert_eq!(taken["spec"]["replicas"], 2);
    assert_eq!(late.refusal().0, 409);
}

#[tokio::test]
async fn the_scale_subresource_is_an_owner_of_its_own() {
    let test = TestCluster::with_namespace().await;
    test.apply(&applied_by("slipway"), deployment("web", "web:1", 2)).await.ok();

    let scale = format!("{DEPLOYMENTS}/web/scale?fieldManager=ops");
    test.merge(&scale, json!({"spec": {"replicas": 1}})).await.ok();
    let refused = test.apply(&applied_by("slipway"), deployment("web", "web:1", 2)).await;
    test.merge(&scale, json!({"spec": {"replicas": 0}})).await.ok();
    let accepted = test.apply(&applied_by("slipway"), deployment("web", "web:1", 2)).await;

    assert_eq!(
        refused.refusal().2,
        "Apply failed with 1 conflict: conflict with \"ops\" with subresource \"scale\" using \
         apps/v1: .spec.replicas"
    );
    assert_eq!(accepted.status, 200);
}

#[tokio::test]
async fn apply_and_update_of_one_name_are_two_owners() {
    let test = TestCluster::with_namespace().await;
    let path = "/api/v1/namespaces/shop/services/web?fieldManager=slipway";
    let service = |color: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"selector": {"color": color}, "ports": [{"port": 80}]},
        })
    };
    test.apply(path, service("blue")).await.ok();
    test.merge(path, json!({"spec": {"selector": {"color": "red"}}})).await.ok();

    let refused = test.apply(path, service("green")).await;

    assert_eq!(
        refused.refusal().2,
        "Apply failed with 1 conflict: conflict with \"slipway\" using v1: .spec.selector"
    );
}

#[tokio::test]
async fn bad_applies_are_refused() {
    let test = TestCluster::with_namespace().await;
    let web = || deployment("web", "web:1", 1);
    test.apply(&applied_by("slipway"), web()).await.ok();

    let nobody = test.apply(WEB, web()).await;
    let forced = test.merge(&forced_by("slipway"), json!({})).await;
    let mut typo = web();
    typo["spec"]["replicaz"] = json!(3);
    let typo = test.apply(&applied_by("slipway"), typo).await;
    let mut wrong = web();
    wrong["spec"]["replicas"] = json!("two");
    let wrong = test.apply(&applied_by("slipway"), wrong).await;
    let mut stale = web();
    stale["metadata"]["resourceVersion"] = json!("1");
    let stale = test.apply(&applied_by("slipway"), stale).await;
    let mut twin = web();
    twin["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000001");
    let twin = test.apply(&applied_by("slipway"), twin).await;

    assert_eq!(nobody.refusal().0, 422);
    assert_eq!(forced.body["details"]["causes"][0]["field"], "force");
    assert!(typo.refusal().2.ends_with(".spec.replicaz: field not declared in schema"));
    assert_eq!(typo.refusal().0, 500);
    assert!(wrong.refusal().2.ends_with("expected numeric (int or float), got string"));
    assert_eq!(stale.refusal().0, 409);
    assert_eq!(twin.refusal().0, 422);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let test = TestCluster::with_namespace().await;
    let path = format!("{}&dryRun=All", applied_by("slipway"));

    let new = test.apply(&path, deployment("web", "web:1", 1)).await;
    let absent = test.get(WEB).await.status;
    test.apply(&applied_by("slipway"), deployment("web", "web:1", 1)).await.ok();
    let stored = test.get(WEB).await.ok();
    let change = test.apply(&path, deployment("web", "web:2", 1)).await.ok();

    assert_eq!(new.status, 201);
    assert_eq!(version(&new.body), &Value::Null);
    assert!(new.body["metadata"]["uid"].is_string());
    assert_eq!(absent, 404);
    assert_eq!(version(&change), version(&stored));
    assert_eq!(change["metadata"]["generation"], 2);
    assert_eq!(test.get(WEB).await.ok(), stored);
}

#[tokio::test]
async fn the_status_is_a_part_of_its_own() {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 1)).await.ok();
    test.advance(3.0);

    let main = test.merge(WEB, json!({"status": {"replicas": 9}})).await.ok();
    let status = test.merge(&format!("{WEB}/status"), json!({"spec": {"replicas": 9}})).await.ok();
    let invalid = test.merge(WEB, json!({"spec": {"replicas": -1}})).await;

    assert_eq!(main["status"]["replicas"], 1);
    assert_eq!(status["spec"]["replicas"], 1);
    assert_eq!(condition(&status, "Available").0, "True");
    assert_eq!(
        invalid.refusal().2,
        "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater \
         than or equal to 0"
    );
}
