use serde_json::{Value, json};

use crate::support::{TestCluster, condition};

const SETS: &str = "/apis/apps/v1/namespaces/shop/statefulsets";
const CLAIMS: &str = "/api/v1/namespaces/shop/persistentvolumeclaims";

fn set(image: &str, replicas: i64) -> Value {
    json!({"spec": {
        "serviceName": "db",
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "db"}},
        "template": {
            "metadata": {"labels": {"app": "db"}},
            "spec": {"containers": [{"name": "app", "image": image}]},
        },
        "volumeClaimTemplates": [{
            "metadata": {"name": "data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }],
    }})
}

async fn with_set(content: Value) -> TestCluster {
    let test = TestCluster::with_namespace().await;
    test.make(SETS, "db", content).await;
    test.advance(10.0);
    test
}

async fn names(test: &TestCluster, path: &str) -> Vec<String> {
    let list = test.get(path).await.ok();
    let items = list["items"].as_array().unwrap().iter();
    items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

async fn images(test: &TestCluster) -> Vec<String> {
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
    test.pods().await.iter().map(image).collect()
}

#[tokio::test]
async fn the_next_pod_waits_for_the_one_before() {
    let test = TestCluster::with_namespace().await;
    test.make(SETS, "db", set("db-notready:1", 3)).await;

    test.advance(30.0);

    assert_eq!(test.pods().await.len(), 1);
}

#[tokio::test]
async fn parallel_pods_come_all_at_once() {
    let mut content = set("db-notready:1", 3);
    content["spec"]["podManagementPolicy"] = json!("Parallel");

    let test = with_set(content).await;

    assert_eq!(test.pods().await.len(), 3);
}

#[tokio::test]
async fn a_new_template_is_rolled_out_from_the_highest_number_down() {
    let test = with_set(set("db:1", 3)).await;

    test.merge(&format!("{SETS}/db"), set("db:2", 3)).await.ok();
    test.advance(3.5);
    let begun = images(&test).await;
    test.advance(30.0);
    let done = test.get(&format!("{SETS}/db")).await.ok();

    assert_eq!(begun.first().unwrap(), "db:1");
    assert!(begun.contains(&"db:2".to_owned()), "{begun:?}");
    assert_eq!(images(&test).await, ["db:2", "db:2", "db:2"]);
    assert_eq!(done["status"]["currentRevision"], done["status"]["updateRevision"]);
}

#[tokio::test]
async fn a_partition_keeps_the_lower_numbers_as_they_are() {
    let test = with_set(set("db:1", 3)).await;

    let mut change = set("db:2", 3);
    change["spec"]["updateStrategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    test.merge(&format!("{SETS}/db"), change).await.ok();
    test.advance(30.0);
    test.delete("/api/v1/namespaces/shop/pods/db-0").await.ok();
    test.advance(30.0);

    assert_eq!(images(&test).await, ["db:1", "db:1", "db:2"]);
}

#[tokio::test]
async fn claims_go_with_the_set_if_it_says_so() {
    let mut content = set("db:1", 2);
    content["spec"]["persistentVolumeClaimRetentionPolicy"] =
        json!({"whenDeleted": "Delete", "whenScaled": "Delete"});
    let test = with_set(content).await;

    let scale = json!({"spec": {"replicas": 1}});
    test.merge(&format!("{SETS}/db/scale"), scale).await.ok();
    test.advance(5.0);
    let scaled = names(&test, CLAIMS).await;
    test.delete(&format!("{SETS}/db")).await.ok();
    test.advance(5.0);

    assert_eq!(scaled, ["data-db-0"]);
    assert_eq!(names(&test, CLAIMS).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_pod_waits_for_a_claim_that_is_never_bound() {
    let mut content = set("db:1", 1);
    content["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] = json!("nobind");

    let test = with_set(content).await;
    let pod = test.pods().await.remove(0);
    let claim = test.get(&format!("{CLAIMS}/data-db-0")).await.ok();

    assert_eq!(pod["status"]["phase"], "Pending");
    assert_eq!(condition(&pod, "PodScheduled"), ("False".into(), "Unschedulable".into()));
    assert_eq!(claim["status"]["phase"], "Pending");
}

#[tokio::test]
async fn the_pods_have_endpoints() {
    let test = with_set(set("db:1", 2)).await;
    let service = json!({"spec": {
        "clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 9200}],
    }});

    test.make("/api/v1/namespaces/shop/services", "db", service).await;
    let path = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
    let slices = test.get(path).await.ok();

    assert_eq!(slices["items"][0]["endpoints"].as_array().unwrap().len(), 2);
}
