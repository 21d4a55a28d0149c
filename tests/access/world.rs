//! A tenant with one of everything, and everybody who may want something with it.

use std::time::Duration;

use api::http::Limits;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp, door};

pub const ROLES: [&str; 6] = ["anonymous", "stranger", "viewer", "member", "owner", "admin"];

pub struct World {
    pub app: TestApp,
    /// In the order of [`ROLES`].
    pub callers: [Client; 6],
    /// What the owner's things are called in documents.
    pub things: Value,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::new().await;
        let (root, olga) = (app.admin().await, app.user("olga").await);
        let (vera, max) = (app.user("vera").await, app.user("max").await);
        let eve = app.user("eve").await;
        let product = root.create_product("web:1").await;
        let start = olga.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
        let tenant = olga.create_tenant("acme").await;
        olga.set_member(&tenant, "vera", "VIEWER").await.ok();
        olga.set_member(&tenant, "max", "MEMBER").await.ok();
        let order = max.place_order_for(&tenant, &product, "taken").await.ok();
        let order = order["placeOrder"]["order"]["id"].as_str().unwrap().to_owned();
        let paid = max.pay_order(&order).await.ok()["payOrder"].clone();
        let workflow = paid["workflow"]["id"].clone();
        let tasks = max.workflow(workflow.as_str().unwrap()).await["tasks"].clone();
        let mut tasks = tasks.as_array().unwrap().iter();
        let task = tasks.find(|task| task["name"] == "await_rollout").unwrap()["id"].clone();
        let input = json!({ "name": "dev", "provider": "K3D", "tenantId": tenant });
        let cluster = max.create_dev_cluster(input).await.ok();
        let cluster = cluster["createDevCluster"]["cluster"]["id"].clone();
        let input = json!({ "serviceName": "books", "namespace": "books", "tenantId": tenant });
        let search = max.create_search_cluster(input).await.ok();
        let search = search["createSearchCluster"]["cluster"]["id"].clone();
        let (instance, token) = (paid["order"]["instance"]["id"].clone(), api_token(&olga).await);
        let delivered = delivered(&max, &tenant).await;
        let mut things = json!({
            "start": start, "product": product, "tenant": tenant, "order": order,
            "orderNumber": number(&olga, &json!(order)).await, "instance": instance,
            "instanceNumber": number(&olga, &instance).await, "cluster": cluster,
            "searchCluster": search, "workflow": workflow, "task": task,
            "token": token, "user": olga.id().await, "member": max.id().await,
        });
        things.as_object_mut().unwrap().extend(delivered.as_object().unwrap().clone());
        let callers = [app.anonymous(), eve, vera, max, olga, root];
        Self { app, callers, things }
    }

    /// The same things, but that one is nobody's.
    pub fn without(&self, thing: &str) -> Value {
        let mut things = self.things.clone();
        let missing = match self.things[thing].as_str().unwrap().split_once('_') {
            Some((kind, _)) => format!("{kind}_{}", "0".repeat(32)),
            None => "4711".to_owned(),
        };
        things[thing] = json!(missing);
        things
    }

    /// Serves the graph so that quiet readers soon hear how far nothing is missing.
    pub async fn attentive(&self) -> String {
        let limits = Limits { ping_after: Duration::from_millis(300), ..Limits::default() };
        self.app.served(door(limits)).await.0
    }
}

/// A version, an application and an environment of a tenant, and a deployment of them.
pub async fn delivered(client: &Client, tenant: &str) -> Value {
    let create = async |kind: &str, input: Value| {
        let mut input = input;
        input["tenantId"] = json!(tenant);
        let reply = client.try_create(kind, input).await.ok();
        reply[format!("create{kind}")][kind.to_lowercase()]["id"].clone()
    };
    let commit = json!({
        "gitTag": "v1", "gitCommit": "abcdef0", "repository": "https://git.example.com/a/b",
    });
    let version = create("Version", commit).await;
    let application = create(
        "Application",
        json!({
            "name": "taken", "repository": "https://git.example.com/a/b", "type": "web",
            "config": { "image": "web:1" },
        }),
    )
    .await;
    let environment = create("Environment", json!({ "name": "taken", "type": "KUBERNETES" })).await;
    let of = |id: &Value| id.as_str().unwrap().to_owned();
    let deployment =
        client.deploy(&of(&version), &[&of(&application)], &of(&environment), "ROLLING").await;
    json!({
        "version": version, "application": application, "environment": environment,
        "deployment": deployment,
    })
}

async fn number(client: &Client, id: &Value) -> Value {
    let document = "query($id: ID!) { node(id: $id) {
        ... on Order { orderNumber: number } ... on Instance { number } } }";
    let node = client.send(document, json!({ "id": id })).await.ok()["node"].clone();
    node["number"].as_str().or(node["orderNumber"].as_str()).unwrap().into()
}

async fn api_token(client: &Client) -> Value {
    let document = "mutation { createApiToken(input: { name: \"ci\", scopes: [\"read\"] }) {
        apiToken { id } } }";
    client.send(document, json!({})).await.ok()["createApiToken"]["apiToken"]["id"].clone()
}

/// The things that a call names.
pub fn named<'a>(things: &'a Value, call: &str) -> Vec<&'a str> {
    let names = things.as_object().unwrap().keys().map(String::as_str);
    let is_named = |name: &&str| {
        call.match_indices(&format!("${name}")).any(|(at, found)| {
            let next = call[at + found.len()..].chars().next();
            !next.is_some_and(char::is_alphanumeric)
        })
    };
    names.filter(is_named).collect()
}

/// A document that calls one field.
pub fn document(kind: &str, field: &str, call: &str, things: &Value) -> String {
    let of = |name: &str| match name {
        "start" => "Cursor",
        "orderNumber" | "instanceNumber" => "Long!",
        _ => "ID!",
    };
    let declared: Vec<_> =
        named(things, call).iter().map(|name| format!("${name}: {}", of(name))).collect();
    match declared.is_empty() {
        true => format!("{kind} {{ {field}{call} }}"),
        false => format!("{kind}({}) {{ {field}{call} }}", declared.join(", ")),
    }
}

/// What an answer comes to: a code, or whether it shows anything.
pub fn outcome(reply: &Reply, field: &str) -> String {
    let code = reply.code();
    if code != "none" {
        return code.to_owned();
    }
    let shown = &reply.body["data"][field];
    let shown = if shown.is_array() { &shown[0] } else { shown };
    match (shown.is_null(), &shown["totalCount"]) {
        (true, _) => "null".to_owned(),
        (false, count) if *count == json!(0) => "empty".to_owned(),
        (false, _) => "shown".to_owned(),
    }
}

/// An answer with what it was asked for by name, so that two can be compared byte by byte.
pub fn normalised(answer: &Value, things: &Value) -> String {
    let mut text = answer.to_string();
    for (name, value) in things.as_object().unwrap() {
        text = text.replace(value.as_str().unwrap(), &format!("${name}"));
    }
    text
}
