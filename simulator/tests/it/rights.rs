//! A cluster that knows its callers.

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use simulator::{Account, Rule};
use tower::ServiceExt;

use crate::support::{Reply, TestCluster};

const READER: &str = "system:serviceaccount:shop:reader";

async fn call(
    test: &TestCluster,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: &Value,
) -> Reply {
    let rule = Rule {
        namespace: Some("shop".to_owned()),
        groups: vec![String::new(), "apps".to_owned()],
        resources: vec!["configmaps".to_owned(), "statefulsets".to_owned()],
        verbs: ["get", "list", "patch"].map(str::to_owned).into(),
    };
    let reader = Account { token: "known".to_owned(), name: READER.to_owned(), rules: vec![rule] };
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let kind = if method == "PATCH" { "application/apply-patch+yaml" } else { "application/json" };
    let request =
        request.header(header::CONTENT_TYPE, kind).body(Body::from(body.to_string())).unwrap();
    Reply::of(test.cluster.guarded_router(vec![reader]).oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn fact_37_whoever_is_not_known_is_refused() {
    let test = TestCluster::with_namespace().await;

    for token in [None, Some("unknown")] {
        let reply = call(&test, token, "GET", "/api/v1/namespaces/shop/pods", &Value::Null).await;
        assert_eq!(reply.refusal(), (401, "Unauthorized", "Unauthorized"));
    }
    let version = call(&test, None, "GET", "/version", &Value::Null).await;
    assert!(version.status.is_success());
}

#[tokio::test]
async fn fact_37_a_missing_right_is_named_whether_the_object_exists_or_not() {
    let test = TestCluster::with_namespace().await;
    let set =
        json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "db" } });
    let refused = [
        ("GET", "/api/v1/namespaces/shop/pods", "pods", "list", "pods", "", true),
        ("GET", "/api/v1/namespaces/shop/pods?watch=1", "pods", "watch", "pods", "", true),
        (
            "GET",
            "/api/v1/namespaces/shop/pods/web/log",
            "pods \"web\"",
            "get",
            "pods/log",
            "",
            true,
        ),
        (
            "POST",
            "/api/v1/namespaces/shop/configmaps",
            "configmaps",
            "create",
            "configmaps",
            "",
            true,
        ),
        ("GET", "/api/v1/configmaps", "configmaps", "list", "configmaps", "", false),
        ("GET", "/api/v1/nodes", "nodes", "list", "nodes", "", false),
        (
            "GET",
            "/apis/apps/v1/namespaces/shop/deployments/none",
            "deployments.apps \"none\"",
            "get",
            "deployments",
            "apps",
            true,
        ),
        // An apply that would make the object.
        (
            "PATCH",
            "/apis/apps/v1/namespaces/shop/statefulsets/db?fieldManager=a",
            "statefulsets.apps \"db\"",
            "create",
            "statefulsets",
            "apps",
            true,
        ),
    ];

    for (method, path, what, verb, resource, group, namespaced) in refused {
        let place = if namespaced { "in the namespace \"shop\"" } else { "at the cluster scope" };
        let message = format!(
            "{what} is forbidden: User \"{READER}\" cannot {verb} resource \"{resource}\" \
             in API group \"{group}\" {place}"
        );
        let reply = call(&test, Some("known"), method, path, &set).await;
        assert_eq!(reply.refusal(), (403, "Forbidden", message.as_str()));
    }
}

#[tokio::test]
async fn fact_37_what_is_allowed_is_done_and_counted() {
    let test = TestCluster::with_namespace().await;

    let path = "/api/v1/namespaces/shop/configmaps";
    let listed = call(&test, Some("known"), "GET", path, &Value::Null).await;
    let reviewed = async |verb: &str| {
        let asked = json!({ "verb": verb, "resource": "configmaps", "namespace": "shop" });
        let review = json!({ "spec": { "resourceAttributes": asked } });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        call(&test, Some("known"), "POST", path, &review).await.ok()["status"]["allowed"].clone()
    };

    assert!(listed.status.is_success());
    assert_eq!((reviewed("list").await, reviewed("delete").await), (json!(true), json!(false)));
    let counted: Vec<String> =
        test.cluster.accesses().iter().map(|(access, n)| format!("{access}: {n}")).collect();
    assert_eq!(counted, ["create namespaces: 1", "list configmaps: 1"]);
}
