use serde_json::{Value, json};

use crate::support::{DEPLOYMENTS, TestCluster, condition, deployment};

fn counts(deployment: &Value) -> (i64, i64, i64, i64) {
    let count = |field: &str| deployment["status"][field].as_i64().unwrap_or_default();
    (
        count("replicas"),
        count("updatedReplicas"),
        count("readyReplicas"),
        count("availableReplicas"),
    )
}

#[tokio::test]
async fn a_deployment_is_ready_in_two_seconds() {
    let test = TestCluster::with_namespace().await;
    let created = test.post(DEPLOYMENTS, deployment("web", "web:1", 2)).await.ok();

    let begun = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    test.advance(2.0);
    let done = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();

    assert_eq!(created["status"], json!({}));
    assert_eq!(counts(&begun), (2, 2, 0, 0));
    assert_eq!(condition(&begun, "Available").0, "False");
    assert_eq!(condition(&begun, "Progressing"), ("True".into(), "ReplicaSetUpdated".into()));
    assert_eq!(counts(&done), (2, 2, 2, 2));
    assert_eq!(done["status"]["observedGeneration"], 1);
    assert_eq!(done["status"]["unavailableReplicas"], Value::Null);
    assert_eq!(condition(&done, "Available"), ("True".into(), "MinimumReplicasAvailable".into()));
    assert_eq!(condition(&done, "Progressing"), ("True".into(), "NewReplicaSetAvailable".into()));
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");
}

#[tokio::test]
async fn pods_are_owned_and_named_by_their_replica_set() {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 1)).await.ok();
    test.advance(2.0);

    let pod = test.pods().await.remove(0);
    let sets = test.get("/apis/apps/v1/namespaces/shop/replicasets").await.ok();

    let set = &sets["items"][0];
    let hash = set["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(set["metadata"]["name"], format!("web-{hash}"));
    assert_eq!(set["metadata"]["ownerReferences"][0]["kind"], "Deployment");
    assert_eq!(set["metadata"]["annotations"]["deployment.kubernetes.io/max-replicas"], "2");
    assert!(pod["metadata"]["name"].as_str().unwrap().starts_with(&format!("web-{hash}-")));
    assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], set["metadata"]["uid"]);
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(condition(&pod, "Ready").0, "True");
    assert!(pod["status"]["podIP"].is_string());
    assert!(pod["spec"]["nodeName"].is_string());
    assert_eq!(pod["spec"]["serviceAccountName"], "default");
    assert_eq!(pod["status"]["qosClass"], "BestEffort");
}

#[tokio::test]
async fn a_rolling_update_keeps_the_wanted_number_available() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:1", 3);
    web["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(3.0);

    let path = format!("{DEPLOYMENTS}/web");
    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:2"}]);
    test.patch(&path, "application/json-patch+json", image).await.ok();
    for _ in 0..100 {
        let now = test.get(&path).await.ok();
        let (replicas, _, _, available) = counts(&now);
        assert!(available >= 3 && replicas <= 4, "{}", now["status"]);
        test.advance(0.1);
    }

    let done = test.get(&path).await.ok();
    assert_eq!(counts(&done), (3, 3, 3, 3));
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    let pods = test.pods().await;
    assert_eq!(pods.len(), 3);
    assert!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "web:2"));
}

#[tokio::test]
async fn a_hung_rollout_misses_its_deadline_and_goes_back() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:1", 3);
    web["spec"]["progressDeadlineSeconds"] = json!(20);
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(3.0);
    let path = format!("{DEPLOYMENTS}/web");

    let image = |image: &str| json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]);
    test.patch(&path, "application/json-patch+json", image("nopull:1")).await.ok();
    test.advance(30.0);
    let hung = test.get(&path).await.ok();
    test.patch(&path, "application/json-patch+json", image("web:1")).await.ok();
    test.advance(5.0);
    let back = test.get(&path).await.ok();

    assert_eq!(
        condition(&hung, "Progressing"),
        ("False".into(), "ProgressDeadlineExceeded".into())
    );
    assert_eq!(condition(&hung, "Available").0, "True");
    assert_eq!(hung["status"]["availableReplicas"], 3);
    assert_eq!(condition(&back, "Progressing"), ("True".into(), "NewReplicaSetAvailable".into()));
    assert_eq!(back["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "3");
    let sets = test.get("/apis/apps/v1/namespaces/shop/replicasets").await.ok();
    assert_eq!(sets["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn scaling_to_zero_and_back() {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 2)).await.ok();
    test.advance(2.0);
    let scale = format!("{DEPLOYMENTS}/web/scale");

    test.merge(&scale, json!({"spec": {"replicas": 0}})).await.ok();
    test.advance(2.0);
    let stopped = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    let stopped_scale = test.get(&scale).await.ok();
    test.merge(&scale, json!({"spec": {"replicas": 1}})).await.ok();
    test.advance(2.0);
    let started = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();

    assert_eq!(counts(&stopped), (0, 0, 0, 0));
    assert_eq!(stopped["status"]["replicas"], Value::Null);
    assert_eq!(stopped["status"]["terminatingReplicas"], 0);
    assert_eq!(condition(&stopped, "Available").0, "True");
    assert_eq!(condition(&stopped, "Progressing").1, "NewReplicaSetAvailable");
    assert_eq!(stopped_scale["spec"], json!({}));
    assert_eq!(stopped_scale["status"]["selector"], "app=web");
    assert_eq!(counts(&started), (1, 1, 1, 1));
}

#[tokio::test]
async fn a_template_annotation_restarts_the_pods() {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 1)).await.ok();
    test.advance(2.0);
    let before = test.pods().await[0]["metadata"]["name"].clone();

    let restart = json!({"spec": {"template": {"metadata": {"annotations": {
        "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:02Z",
    }}}}});
    test.merge(&format!("{DEPLOYMENTS}/web"), restart).await.ok();
    test.advance(5.0);

    let pods = test.pods().await;
    assert_eq!(pods.len(), 1);
    assert_ne!(pods[0]["metadata"]["name"], before);
}

#[tokio::test]
async fn recreate_stops_the_old_pods_first() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:1", 2);
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(2.0);

    let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "web:2"}]);
    test.patch(&format!("{DEPLOYMENTS}/web"), "application/json-patch+json", image).await.ok();
    for _ in 0..50 {
        let pods = test.pods().await;
        let images: Vec<&Value> =
            pods.iter().map(|pod| &pod["spec"]["containers"][0]["image"]).collect();
        assert!(images.windows(2).all(|pair| pair[0] == pair[1]), "{images:?}");
        test.advance(0.1);
    }

    let done = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    assert_eq!(counts(&done), (2, 2, 2, 2));
}

#[tokio::test]
async fn deleting_a_deployment_takes_its_replica_sets_and_pods() {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 2)).await.ok();
    test.advance(2.0);

    let answer = test.delete(&format!("{DEPLOYMENTS}/web")).await.ok();
    test.advance(2.0);

    assert_eq!(answer["status"], "Success");
    assert_eq!(answer["details"]["kind"], "deployments");
    assert!(test.pods().await.is_empty());
    let sets = test.get("/apis/apps/v1/namespaces/shop/replicasets").await.ok();
    assert_eq!(sets["items"], json!([]));
}

#[tokio::test]
async fn foreground_deletion_waits_for_the_pods() {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 1)).await.ok();
    test.advance(2.0);
    let path = format!("{DEPLOYMENTS}/web");

    let options = json!({"propagationPolicy": "Foreground"});
    let answer = test.delete_with(&path, options).await.ok();
    test.advance(0.5);
    let during = test.get(&path).await.status;
    test.advance(2.0);
    let after = test.get(&path).await.status;

    assert_eq!(answer["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert_eq!(answer["metadata"]["generation"], 2);
    assert_eq!(during, 200);
    assert_eq!(after, 404);
}

#[tokio::test]
async fn old_replica_sets_are_limited() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:0", 1);
    web["spec"]["revisionHistoryLimit"] = json!(2);
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(3.0);

    for version in 1..6 {
        let image = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": format!("web:{version}")}]);
        test.patch(&format!("{DEPLOYMENTS}/web"), "application/json-patch+json", image).await.ok();
        test.advance(5.0);
    }

    let sets = test.get("/apis/apps/v1/namespaces/shop/replicasets").await.ok();
    assert_eq!(sets["items"].as_array().unwrap().len(), 3);
}
