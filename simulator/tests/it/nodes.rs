use serde_json::{Value, json};

use crate::support::{DEPLOYMENTS, PODS, TestCluster, condition, deployment};

fn node_of(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap()
}

async fn with_pod() -> (TestCluster, Value) {
    let test = TestCluster::with_namespace().await;
    test.post(DEPLOYMENTS, deployment("web", "web:1", 1)).await.ok();
    test.advance(5.0);
    let pod = test.pods().await.remove(0);
    (test, pod)
}

#[tokio::test]
async fn the_pods_of_a_lost_node_are_doubted_and_then_replaced() {
    let (test, pod) = with_pod().await;
    let node = node_of(&pod).to_owned();

    test.cluster.faults().fail_node(&node);
    test.advance(5.0);
    let doubted = test.pods().await.remove(0);
    let deployment = test.get(&format!("{DEPLOYMENTS}/web")).await.ok();
    test.advance(310.0);
    let pods = test.pods().await;
    let lost = test.get(&format!("/api/v1/nodes/{node}")).await.ok();

    assert_eq!(condition(&doubted, "Ready").0, "False");
    assert_eq!(doubted["status"]["phase"], "Running");
    assert_eq!(deployment["status"]["readyReplicas"], Value::Null);
    assert_eq!(condition(&lost, "Ready"), ("Unknown".into(), "NodeStatusUnknown".into()));
    let leaving = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_string();
    assert_eq!(pods.iter().filter(leaving).count(), 1);
    assert_eq!(pods.len(), 2);
    assert!(pods.iter().any(|pod| node_of(pod) != node && condition(pod, "Ready").0 == "True"));
}

#[tokio::test]
async fn a_node_that_comes_back_in_time_keeps_its_pods() {
    let (test, pod) = with_pod().await;
    let node = node_of(&pod).to_owned();

    test.cluster.faults().fail_node(&node);
    test.advance(60.0);
    test.cluster.faults().heal_node(&node);
    test.advance(400.0);
    let pods = test.pods().await;

    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0]["metadata"]["uid"], pod["metadata"]["uid"]);
    assert_eq!(condition(&pods[0], "Ready").0, "True");
}

#[tokio::test]
async fn what_was_evicted_is_gone_once_its_node_is_back() {
    let (test, pod) = with_pod().await;
    let node = node_of(&pod).to_owned();

    test.cluster.faults().fail_node(&node);
    test.advance(310.0);
    test.cluster.faults().heal_node(&node);
    test.advance(5.0);
    let pods = test.pods().await;

    assert_eq!(pods.len(), 1);
    assert_ne!(pods[0]["metadata"]["uid"], pod["metadata"]["uid"]);
}

#[tokio::test]
async fn nothing_new_goes_to_a_lost_node() {
    let test = TestCluster::with_namespace().await;
    for node in ["node-0", "node-1", "gpu-0"] {
        test.cluster.faults().fail_node(node);
    }

    let spec = json!({"containers": [{"name": "app", "image": "web:1"}]});
    test.make(PODS, "web", json!({"spec": spec})).await;
    test.advance(5.0);
    let waiting = test.pods().await.remove(0);
    test.cluster.faults().heal_node("node-1");
    test.advance(5.0);
    let placed = test.pods().await.remove(0);

    assert_eq!(condition(&waiting, "PodScheduled"), ("False".into(), "Unschedulable".into()));
    assert_eq!(node_of(&placed), "node-1");
}
