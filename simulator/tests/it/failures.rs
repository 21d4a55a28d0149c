use serde_json::{Value, json};

use crate::support::{DEPLOYMENTS, PODS, TestCluster, condition, deployment};

async fn pod_of(test: &TestCluster, image: &str, seconds: f64) -> Value {
    test.post(DEPLOYMENTS, deployment("web", image, 1)).await.ok();
    test.advance(seconds);
    test.pods().await.remove(0)
}

fn waiting(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
}

fn reasons(events: &[Value]) -> Vec<&str> {
    let mut reasons: Vec<&str> =
        events.iter().map(|event| event["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

#[tokio::test]
async fn a_crashing_image_loops_with_growing_restarts() {
    let test = TestCluster::with_namespace().await;
    let pod = pod_of(&test, "example.io/crash:1", 6.0).await;
    test.advance(60.0);
    let later = test.pods().await.remove(0);
    let name = pod["metadata"]["name"].as_str().unwrap();

    let status = &pod["status"]["containerStatuses"][0];
    assert_eq!(waiting(&pod), "CrashLoopBackOff");
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(status["restartCount"], 1);
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(later["status"]["containerStatuses"][0]["restartCount"], 3);
    let events = test.events_about(name).await;
    assert_eq!(reasons(&events), ["BackOff", "Created", "Pulled", "Scheduled", "Started"]);
    let log = test.get(&format!("{PODS}/{name}/log?previous=true")).await;
    assert!(log.body.as_str().unwrap().ends_with("exiting with code 1\n"), "{}", log.body);
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_backs_off() {
    let test = TestCluster::with_namespace().await;
    let first = pod_of(&test, "example.io/nopull:1", 1.5).await;
    test.advance(1.0);
    let second = test.pods().await.remove(0);

    assert_eq!(waiting(&first), "ErrImagePull");
    assert_eq!(waiting(&second), "ImagePullBackOff");
    assert_eq!(second["status"]["phase"], "Pending");
    let events = test.events_about(second["metadata"]["name"].as_str().unwrap()).await;
    assert_eq!(reasons(&events), ["BackOff", "Failed", "Pulling", "Scheduled"]);
}

#[tokio::test]
async fn a_container_that_takes_too_much_memory_is_killed() {
    let test = TestCluster::with_namespace().await;
    let pod = pod_of(&test, "example.io/oom:1", 6.0).await;

    let last = &pod["status"]["containerStatuses"][0]["lastState"]["terminated"];
    assert_eq!(waiting(&pod), "CrashLoopBackOff");
    assert_eq!(last["reason"], "OOMKilled");
    assert_eq!(last["exitCode"], 137);
}

#[tokio::test]
async fn an_image_that_is_never_ready_runs_on() {
    let test = TestCluster::with_namespace().await;
    let pod = pod_of(&test, "example.io/notready:1", 60.0).await;

    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(condition(&pod, "Ready"), ("False".into(), "ContainersNotReady".into()));
    let web = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    assert_eq!(condition(&web, "Available").0, "False");
}

#[tokio::test]
async fn a_pod_no_node_has_room_for_waits() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "train:1", 1);
    let resources = json!({"limits": {"nvidia.com/gpu": 8}});
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = resources;
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(1.0);

    let pod = test.pods().await.remove(0);
    assert_eq!(condition(&pod, "PodScheduled"), ("False".into(), "Unschedulable".into()));
    assert_eq!(pod["spec"]["nodeName"], Value::Null);
    assert_eq!(
        pod["status"]["conditions"][0]["message"],
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. no new claims to deallocate, \
         preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    );
    let events = test.events_about(pod["metadata"]["name"].as_str().unwrap()).await;
    assert_eq!(events[0]["reason"], "FailedScheduling");
    assert_eq!(events[0]["firstTimestamp"], Value::Null);
}

#[tokio::test]
async fn a_pod_with_gpus_goes_where_they_are() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "train:1", 1);
    let resources = json!({"limits": {"nvidia.com/gpu": 2}});
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = resources;
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(2.0);

    assert_eq!(test.pods().await[0]["spec"]["nodeName"], "gpu-0");
}

#[tokio::test]
async fn a_quota_lets_the_deployment_pass_and_refuses_its_pods() {
    let test = TestCluster::with_namespace().await;
    let quota = json!({"metadata": {"name": "unit"}, "spec": {"hard": {"requests.cpu": "1"}}});
    test.post("/api/v1/namespaces/shop/resourcequotas", quota).await.ok();
    let mut web = deployment("web", "web:1", 3);
    let resources = json!({"requests": {"cpu": "400m"}});
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = resources;

    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(2.0);

    let web = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    assert_eq!(web["status"]["readyReplicas"], 2);
    assert_eq!(condition(&web, "ReplicaFailure"), ("True".into(), "FailedCreate".into()));
    let quota = test.get("/api/v1/namespaces/shop/resourcequotas/unit").await.ok();
    assert_eq!(quota["status"]["used"]["requests.cpu"], "800m");
    let direct = json!({"metadata": {"name": "big"}, "spec": {"containers": [
        {"name": "app", "image": "web:1", "resources": {"requests": {"cpu": "1500m"}}},
    ]}});
    let refused = test.post(&format!("{PODS}?dryRun=All"), direct).await;
    assert_eq!(
        refused.refusal(),
        (
            403,
            "Forbidden",
            "pods \"big\" is forbidden: exceeded quota: unit, requested: requests.cpu=1500m, used: \
             requests.cpu=800m, limited: requests.cpu=1"
        )
    );
}

#[tokio::test]
async fn a_missing_config_map_holds_the_container() {
    let test = TestCluster::with_namespace().await;
    let mut web = deployment("web", "web:1", 1);
    let reference =
        json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "absent", "key": "a"}}}]);
    web["spec"]["template"]["spec"]["containers"][0]["env"] = reference;
    test.post(DEPLOYMENTS, web).await.ok();
    test.advance(3.0);
    let held = test.pods().await.remove(0);

    let map = json!({"metadata": {"name": "absent"}, "data": {"a": "1"}});
    test.post("/api/v1/namespaces/shop/configmaps", map).await.ok();
    test.advance(10.0);

    assert_eq!(waiting(&held), "CreateContainerConfigError");
    assert_eq!(test.pods().await[0]["status"]["phase"], "Running");
}
