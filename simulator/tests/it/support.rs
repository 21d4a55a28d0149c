use std::time::Duration;

use axum::{
    Router,
    body::{Body, BodyDataStream, Bytes},
};
use futures::{FutureExt, StreamExt, stream::Fuse};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use simulator::{Account, Clock, Cluster};
use tower::ServiceExt;

/// A cluster on a manual clock, and the ways to talk to it.
pub struct TestCluster {
    pub cluster: Cluster,
    router: Router,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// A request in all its parts; a body that is a text goes as it is.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a [(String, String)],
    pub accept: &'a str,
    pub content_type: &'a str,
    pub agent: &'a str,
    pub token: Option<&'a str>,
    pub body: &'a Value,
}

impl Reply {
    /// The body of a call that must have succeeded.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    pub async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let body = match bytes.as_ref() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        Self { status: parts.status, headers: parts.headers, body }
    }

    /// Status, reason and message of a refusal.
    pub fn refusal(&self) -> (u16, &str, &str) {
        assert!(!self.status.is_success(), "{}", self.body);
        let text = |field: &str| self.body[field].as_str().unwrap_or_default();
        (self.status.as_u16(), text("reason"), text("message"))
    }
}

impl TestCluster {
    pub fn new() -> Self {
        let cluster = Cluster::new(Clock::manual("2026-01-01T00:00:00Z".parse().unwrap()));
        let router = cluster.router();
        Self { cluster, router }
    }

    /// Knows its callers from here on, and lets each do what its rules say.
    pub fn guard(&mut self, accounts: Vec<Account>) {
        self.router = self.cluster.guarded_router(accounts);
    }

    /// With a namespace called `shop`.
    pub async fn with_namespace() -> Self {
        let test = Self::new();
        test.post("/api/v1/namespaces", json!({"metadata": {"name": "shop"}})).await.ok();
        test
    }

    pub fn advance(&self, seconds: f64) {
        self.cluster.advance(Duration::from_secs_f64(seconds));
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, "application/json", Value::Null).await
    }

    /// Fills in `apiVersion` and `kind` from the path.
    pub async fn post(&self, path: &str, mut body: Value) -> Reply {
        name_kind(path, &mut body);
        self.send("POST", path, "application/json", body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, "application/json", body).await
    }

    pub async fn merge(&self, path: &str, body: Value) -> Reply {
        self.send("PATCH", path, "application/merge-patch+json", body).await
    }

    pub async fn patch(&self, path: &str, kind: &str, body: Value) -> Reply {
        self.send("PATCH", path, kind, body).await
    }

    /// Server-side apply; the path must carry `fieldManager`.
    pub async fn apply(&self, path: &str, body: Value) -> Reply {
        self.send("PATCH", path, "application/apply-patch+yaml", body).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, "application/json", Value::Null).await
    }

    pub async fn delete_with(&self, path: &str, options: Value) -> Reply {
        self.send("DELETE", path, "application/json", options).await
    }

    pub async fn send(&self, method: &str, path: &str, kind: &str, body: Value) -> Reply {
        Reply::of(self.call(method, path, kind, body).await).await
    }

    pub async fn call(&self, method: &str, path: &str, kind: &str, body: Value) -> Response<Body> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.request(Call {
            method,
            path,
            query: &query,
            accept: "application/json",
            content_type: kind,
            agent: "test/1",
            token: None,
            body: &body,
        })
        .await
    }

    pub async fn request(&self, call: Call<'_>) -> Response<Body> {
        let query = call
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect::<Vec<String>>()
            .join("&");
        let body = match call.body {
            Value::Null => Body::empty(),
            Value::String(text) => Body::from(text.clone()),
            other => Body::from(other.to_string()),
        };
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}?{query}", call.path))
            .header("accept", call.accept)
            .header("content-type", call.content_type)
            .header("user-agent", call.agent);
        if let Some(token) = call.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    /// Makes an object of that name from its content.
    pub async fn make(&self, path: &str, name: &str, content: Value) -> Value {
        let mut object = json!({});
        if let Value::Object(fields) = content {
            object = Value::Object(fields);
        }
        object["metadata"]["name"] = json!(name);
        self.post(path, object).await.ok()
    }

    /// The version of the whole cluster.
    pub async fn version(&self) -> String {
        let list = self.get("/api/v1/nodes").await.ok();
        list["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }

    pub async fn watch(&self, path: &str) -> Watch {
        let response = self.call("GET", path, "application/json", Value::Null).await;
        assert_eq!(response.status(), StatusCode::OK);
        Watch::of(response)
    }

    /// The Pods of `shop`.
    pub async fn pods(&self) -> Vec<Value> {
        let list = self.get("/api/v1/namespaces/shop/pods").await.ok();
        list["items"].as_array().unwrap().clone()
    }

    /// The reasons of the Events about one object of `shop`, in the order of their names.
    pub async fn events_about(&self, name: &str) -> Vec<Value> {
        let path = "/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name=";
        let list = self.get(&format!("{path}{name}")).await.ok();
        list["items"].as_array().unwrap().clone()
    }
}

pub struct Watch {
    stream: Fuse<BodyDataStream>,
}

impl Watch {
    pub fn of(response: Response<Body>) -> Self {
        Self { stream: StreamExt::fuse(response.into_body().into_data_stream()) }
    }

    /// Everything that is there to be told; it does not wait.
    pub fn all_so_far(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(Some(line)) = self.stream.next().now_or_never() {
            events.push(serde_json::from_slice(&line.unwrap()).unwrap());
        }
        events
    }

    /// The lines of a followed log that are there to be told.
    pub fn texts_so_far(&mut self) -> String {
        let mut texts = String::new();
        while let Some(Some(piece)) = self.stream.next().now_or_never() {
            texts.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        }
        texts
    }

    /// Whether the server has ended it.
    pub fn is_over(&mut self) -> bool {
        matches!(self.stream.next().now_or_never(), Some(None))
    }

    /// The next event, which must be there already; none at the end.
    pub async fn next(&mut self) -> Option<Value> {
        let line: Option<Bytes> = tokio::time::timeout(Duration::from_secs(5), self.stream.next())
            .await
            .expect("an event or the end")
            .map(|line| line.unwrap());
        line.map(|line| serde_json::from_slice(&line).unwrap())
    }

    /// Type, name and version of the next event.
    pub async fn told(&mut self) -> (String, String) {
        let event = self.next().await.expect("an event");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&event["type"]), text(&event["object"]["metadata"]["name"]))
    }
}

/// A value of a query as an address may carry it.
fn encoded(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/:".contains(&byte);
    value
        .bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn name_kind(path: &str, body: &mut Value) {
    let kinds = [
        ("namespaces", "v1", "Namespace"),
        ("nodes", "v1", "Node"),
        ("pods", "v1", "Pod"),
        ("services", "v1", "Service"),
        ("configmaps", "v1", "ConfigMap"),
        ("secrets", "v1", "Secret"),
        ("resourcequotas", "v1", "ResourceQuota"),
        ("deployments", "apps/v1", "Deployment"),
        ("ingresses", "networking.k8s.io/v1", "Ingress"),
        ("jobs", "batch/v1", "Job"),
        ("statefulsets", "apps/v1", "StatefulSet"),
        ("persistentvolumeclaims", "v1", "PersistentVolumeClaim"),
        ("leases", "coordination.k8s.io/v1", "Lease"),
    ];
    let plural = path.split('?').next().and_then(|path| path.rsplit('/').next()).unwrap();
    if let Some((_, version, kind)) = kinds.iter().find(|(known, ..)| *known == plural) {
        body["apiVersion"] = json!(version);
        body["kind"] = json!(kind);
    }
}

pub const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
pub const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";
pub const PODS: &str = "/api/v1/namespaces/shop/pods";

pub fn deployment(name: &str, image: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "app",
                    "image": image,
                    "ports": [{"name": "http", "containerPort": 8080}],
                }]},
            },
        },
    })
}

/// As the recordings have them: one container `app`, labels of an app and a unit.
pub fn deployment_of(name: &str, image: &str, replicas: i64) -> Value {
    let labels = json!({"shop.io/app": name, "shop.io/unit": "u88"});
    json!({
        "metadata": {"labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"shop.io/app": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
        },
    })
}

pub fn config_map(name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"key": value},
    })
}

pub fn condition(object: &Value, kind: &str) -> (String, String) {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    let text = |field: &str| {
        found.and_then(|condition| condition[field].as_str()).unwrap_or_default().to_owned()
    };
    (text("status"), text("reason"))
}
