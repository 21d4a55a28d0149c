//! Containers as they answer through the API server.

use serde_json::{Value, json};

use crate::support::{PODS, Reply, TestCluster};

const SERVICES: &str = "/api/v1/namespaces/shop/services";

/// A Pod of this image behind the Service `web`, whose port is named `http`.
async fn with_service(image: &str) -> TestCluster {
    let test = TestCluster::with_namespace().await;
    let ports = json!([{"name": "web", "containerPort": 3000}]);
    let pod = json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image, "ports": ports}]},
    });
    let ports = json!([{"name": "http", "port": 80, "targetPort": "web"}]);
    let service = json!({"spec": {"selector": {"app": "web"}, "ports": ports}});
    test.make(PODS, "web-1", pod).await;
    test.make(SERVICES, "web", service).await;
    test.advance(10.0);
    test
}

async fn through(test: &TestCluster, service: &str, path: &str) -> Reply {
    test.get(&format!("{SERVICES}/{service}/proxy/{path}")).await
}

fn message(reply: &Reply) -> &str {
    let (code, reason, message) = reply.refusal();
    assert_eq!((code, reason), (503, "ServiceUnavailable"));
    message
}

#[tokio::test]
async fn a_service_is_asked_by_its_ports_name_or_number() {
    let test = with_service("web:1").await;

    for service in ["web:http", "web:80", "http:web:http"] {
        let reply = through(&test, service, "healthz").await;
        assert_eq!(reply.ok(), json!("main: 200 at /healthz\n"), "{service}");
    }
    let other = through(&test, "web:81", "").await;
    assert_eq!(message(&other), "no service port 81 found for service \"web\"");
}

#[tokio::test]
async fn a_pod_is_asked_at_its_first_port_or_another() {
    let test = with_service("web:1").await;

    let first = test.get(&format!("{PODS}/web-1/proxy/a/b")).await;
    let other = test.get(&format!("{PODS}/web-1:4000/proxy/")).await;

    assert_eq!(first.ok(), json!("main: 200 at /a/b\n"));
    assert!(message(&other).ends_with(":4000: connect: connection refused"), "{}", other.body);
}

#[tokio::test]
async fn the_path_or_the_image_names_another_status() {
    let plain = with_service("web:1").await;
    let broken = with_service("web:http500").await;

    assert_eq!(through(&plain, "web:http", "status/404").await.status.as_u16(), 404);
    assert_eq!(through(&broken, "web:http", "").await.status.as_u16(), 500);
}

#[tokio::test]
async fn nobody_answers_where_nobody_is_ready() {
    let test = with_service("notready:1").await;

    let unready = through(&test, "web:http", "").await;
    test.delete(&format!("{PODS}/web-1?gracePeriodSeconds=0")).await.ok();
    test.advance(5.0);
    let empty = through(&test, "web:http", "").await;
    let absent = through(&test, "none:http", "").await;
    let malformed = through(&test, "a:b:c:d", "").await;

    assert_eq!(message(&unready), "no endpoints available for service \"web:http\"");
    assert_eq!(message(&empty), "no endpoints available for service \"web\"");
    assert_eq!(absent.refusal(), (404, "NotFound", "services \"none\" not found"));
    assert_eq!(malformed.refusal().2, "invalid service request \"a:b:c:d\"");
}

#[tokio::test]
async fn containers_speak_no_tls() {
    let test = with_service("web:1").await;

    let reply = through(&test, "https:web:http", "").await;

    assert_eq!(
        message(&reply),
        "error trying to reach service: tls: first record does not look like a TLS handshake"
    );
}

#[tokio::test]
async fn a_proxy_is_a_right_of_its_own() {
    let test = with_service("web:1").await;

    through(&test, "web:http", "").await.ok();
    let path = format!("{SERVICES}/web:http/proxy/");
    test.send("POST", &path, "text/plain", Value::Null).await.ok();

    let used: Vec<String> = test.cluster.accesses().keys().map(ToString::to_string).collect();
    for access in ["get services/proxy", "create services/proxy"] {
        assert!(used.contains(&access.to_owned()), "{used:?}");
    }
}
