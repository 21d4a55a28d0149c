use serde_json::{Value, json};

use crate::support::{CONFIG_MAPS, PODS, TestCluster, config_map, deployment};

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let test = TestCluster::with_namespace().await;

    let map = test.get(&format!("{CONFIG_MAPS}/none")).await;
    let group = test.get("/apis/nope.example.io/v1").await;
    let resource = test.get("/apis/apps/v1/namespaces/default/nopes").await;
    let absent = test.post("/api/v1/namespaces/none/configmaps", config_map("a", "x")).await;

    assert_eq!(map.refusal(), (404, "NotFound", "configmaps \"none\" not found"));
    assert_eq!(map.body["details"], json!({"name": "none", "kind": "configmaps"}));
    assert_eq!(group.body, "404 page not found\n");
    assert_eq!(resource.body["details"], json!({}));
    assert_eq!(absent.refusal().2, "namespaces \"none\" not found");
}

#[tokio::test]
async fn stale_versions_and_other_uids_conflict() {
    let test = TestCluster::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    let old = test.post(CONFIG_MAPS, config_map("a", "1")).await.ok();
    test.merge(&path, json!({"data": {"key": "2"}})).await.ok();

    let mut stale = old.clone();
    stale["data"]["key"] = json!("3");
    let stale = test.put(&path, stale).await;
    let mut other = config_map("a", "3");
    other["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000001");
    let other = test.put(&path, other).await;
    let again = test.post(CONFIG_MAPS, config_map("a", "1")).await;
    let unconditional = test.put(&path, config_map("a", "4")).await;

    assert_eq!(stale.refusal().0, 409);
    assert_eq!(other.refusal().1, "Conflict");
    assert_eq!(again.refusal().1, "AlreadyExists");
    assert_eq!(unconditional.ok()["data"]["key"], "4");
}

#[tokio::test]
async fn a_write_without_effect_keeps_the_version() {
    let test = TestCluster::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    let made = test.post(CONFIG_MAPS, config_map("a", "1")).await.ok();

    let put = test.put(&path, config_map("a", "1")).await.ok();
    let patched = test.merge(&path, json!({"data": {"key": "1"}})).await.ok();

    assert_eq!(put["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
    assert_eq!(patched["metadata"]["resourceVersion"], made["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn finalizers_hold_an_object() {
    let test = TestCluster::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/held");
    let mut map = config_map("held", "1");
    map["metadata"]["finalizers"] = json!(["example.io/drain"]);
    test.post(CONFIG_MAPS, map).await.ok();

    let deleted = test.delete(&path).await.ok();
    let more = json!({"metadata": {"finalizers": ["example.io/drain", "example.io/more"]}});
    let more = test.merge(&path, more).await;
    let again = test.post(CONFIG_MAPS, config_map("held", "2")).await;
    let released = test.merge(&path, json!({"metadata": {"finalizers": null}})).await;
    let gone = test.get(&path).await;

    assert_eq!(deleted["metadata"]["deletionGracePeriodSeconds"], 0);
    assert_eq!(more.refusal().0, 422);
    assert!(again.refusal().2.starts_with("object is being deleted: "));
    assert_eq!(released.ok()["kind"], "ConfigMap");
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn preconditions_of_a_delete() {
    let test = TestCluster::with_namespace().await;
    let path = format!("{CONFIG_MAPS}/a");
    let made = test.post(CONFIG_MAPS, config_map("a", "1")).await.ok();

    let wrong = json!({"preconditions": {"resourceVersion": "1"}});
    let wrong = test.delete_with(&path, wrong).await;
    let right = json!({"preconditions": {"uid": made["metadata"]["uid"]}});
    let right = test.delete_with(&path, right).await.ok();

    assert_eq!(wrong.refusal().0, 409);
    assert_eq!(wrong.body["details"]["kind"], "ConfigMap");
    assert_eq!(right["status"], "Success");
    assert_eq!(right["details"]["uid"], made["metadata"]["uid"]);
}

#[tokio::test]
async fn a_running_pod_has_its_grace() {
    let test = TestCluster::with_namespace().await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "app", "image": "web:1"}]}});
    test.post(PODS, pod).await.ok();
    test.advance(2.0);
    let path = format!("{PODS}/p");

    let deleted = test.delete(&path).await.ok();
    let during = test.get(&path).await.status;
    test.advance(1.5);

    assert_eq!(deleted["kind"], "Pod");
    assert_eq!(deleted["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(deleted["metadata"]["deletionTimestamp"], "2026-01-01T00:00:32Z");
    assert_eq!(deleted["metadata"]["generation"], 2);
    assert_eq!(during, 200);
    assert_eq!(test.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_namespace_goes_with_all_it_has() {
    let test = TestCluster::with_namespace().await;
    test.post("/apis/apps/v1/namespaces/shop/deployments", deployment("web", "web:1", 1))
        .await
        .ok();
    test.advance(2.0);

    let deleted = test.delete("/api/v1/namespaces/shop").await.ok();
    let late = test.post(CONFIG_MAPS, config_map("late", "x")).await;
    let during = test.get("/api/v1/namespaces/shop").await.ok();
    test.advance(2.0);

    assert_eq!(deleted["status"]["phase"], "Terminating");
    assert_eq!(late.refusal().0, 403);
    assert_eq!(late.body["details"]["causes"][0]["reason"], "NamespaceTerminating");
    assert_eq!(during["status"]["conditions"].as_array().unwrap().len(), 5);
    assert_eq!(test.get("/api/v1/namespaces/shop").await.status, 404);
    assert_eq!(test.pods().await, Vec::<Value>::new());
}

#[tokio::test]
async fn services_have_addresses_and_endpoints() {
    let test = TestCluster::with_namespace().await;
    test.post("/apis/apps/v1/namespaces/shop/deployments", deployment("web", "web:1", 2))
        .await
        .ok();
    let service = json!({"metadata": {"name": "web"}, "spec": {
        "selector": {"app": "web"},
        "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
    }});
    let service = test.post("/api/v1/namespaces/shop/services", service).await.ok();
    test.advance(2.0);
    let slices = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
    let full = test.get(slices).await.ok();
    let elsewhere = json!({"spec": {"selector": {"app": "other"}}});
    test.merge("/api/v1/namespaces/shop/services/web", elsewhere).await.ok();
    let empty = test.get(slices).await.ok();

    assert!(service["spec"]["clusterIP"].as_str().unwrap().starts_with("10.96."));
    assert_eq!(service["spec"]["ports"][0]["protocol"], "TCP");
    assert_eq!(service["status"], json!({"loadBalancer": {}}));
    let slice = &full["items"][0];
    assert_eq!(slice["endpoints"].as_array().unwrap().len(), 2);
    assert_eq!(slice["endpoints"][0]["conditions"]["ready"], true);
    assert_eq!(slice["ports"], json!([{"name": "http", "protocol": "TCP", "port": 8080}]));
    assert_eq!(empty["items"][0]["metadata"]["uid"], slice["metadata"]["uid"]);
    assert_eq!(empty["items"][0]["endpoints"], Value::Null);
}

#[tokio::test]
async fn an_ingress_gets_its_address() {
    let test = TestCluster::with_namespace().await;
    let path = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses";
    let ingress = json!({"metadata": {"name": "web"}, "spec": {"rules": [{
        "host": "web.example.com",
        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {
            "service": {"name": "web", "port": {"name": "http"}},
        }}]},
    }]}});
    let made = test.post(path, ingress).await.ok();
    test.advance(1.0);
    let later = test.get(&format!("{path}/web")).await.ok();

    assert_eq!(made["status"], json!({"loadBalancer": {}}));
    assert!(later["status"]["loadBalancer"]["ingress"][0]["ip"].is_string());
}

#[tokio::test]
async fn strings_of_a_secret_are_folded_into_its_data() {
    let test = TestCluster::with_namespace().await;
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"user": "ada"}});

    let made = test.post("/api/v1/namespaces/shop/secrets", secret).await.ok();

    assert_eq!(made["data"], json!({"user": "YWRh"}));
    assert_eq!(made["stringData"], Value::Null);
    assert_eq!(made["type"], "Opaque");
}

#[tokio::test]
async fn protocol_refusals() {
    let test = TestCluster::with_namespace().await;

    let method = test.put("/api/v1/namespaces/shop/configmaps", config_map("a", "x")).await;
    let format = test.send("POST", CONFIG_MAPS, "text/plain", json!("hello")).await;
    let patch = test.send("PATCH", "/api/v1/namespaces/shop", "application/json", json!({})).await;
    let broken = test.send("POST", CONFIG_MAPS, "application/json", json!("no object")).await;
    let protobuf = "application/vnd.kubernetes.protobuf";
    let options = test.send("DELETE", "/api/v1/namespaces/shop", protobuf, json!({})).await;

    assert_eq!(options.refusal().0, 415);
    assert_eq!(method.refusal().0, 405);
    assert_eq!(format.refusal().0, 415);
    assert_eq!(patch.refusal().2, "415: Unsupported Media Type");
    assert_eq!(broken.refusal().0, 400);
}

#[tokio::test]
async fn discovery_names_what_there_is() {
    let test = TestCluster::new();

    let core = test.get("/api/v1").await.ok();
    let apps = test.get("/apis/apps/v1").await.ok();
    let groups = test.get("/apis").await.ok();

    let names = |list: &Value| -> Vec<String> {
        let resources = list["resources"].as_array().unwrap();
        resources.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names(&core).contains(&"pods/log".to_owned()));
    assert!(names(&apps).contains(&"deployments/scale".to_owned()));
    assert_eq!(groups["groups"][0]["preferredVersion"]["version"], "v1");
    assert_eq!(test.get("/readyz").await.body, "ok");
    assert_eq!(test.get("/version").await.ok()["major"], "1");
}

#[tokio::test]
async fn a_patch_cannot_break_the_types() {
    let test = TestCluster::with_namespace().await;
    let path = "/apis/apps/v1/namespaces/shop/deployments";
    test.post(path, deployment("web", "web:1", 1)).await.ok();
    let path = format!("{path}/web");

    for patch in [
        json!({"spec": "x"}),
        json!({"spec": {"strategy": []}}),
        json!({"metadata": {"labels": {"a": 1}}}),
        json!({"spec": {"template": {"spec": {"containers": {}}}}}),
    ] {
        assert_eq!(test.merge(&path, patch.clone()).await.refusal().0, 400, "{patch}");
    }
    let status = test.merge(&format!("{path}/status"), json!({"status": "x"})).await;
    assert_eq!(status.refusal().0, 400);
}

#[tokio::test]
async fn a_cluster_is_never_more_than_full() {
    let test = TestCluster::with_namespace().await;
    let path = "/apis/apps/v1/namespaces/shop/deployments";
    let mut web = deployment("web", "web:1", 1_000_000);
    let resources = json!({"limits": {"nvidia.com/gpu": 100}});
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = resources;

    test.post(path, web).await.ok();

    let web = test.get(&format!("{path}/web")).await.ok();
    assert_eq!(web["status"]["replicas"], 2000);
    let why = web["status"]["conditions"].to_string();
    assert!(why.contains("has no room for more pods"), "{why}");
}
