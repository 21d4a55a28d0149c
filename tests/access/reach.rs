//! Whoever sees one tenant of somebody's does not reach, over any edges, the others.

use serde_json::{Value, json};

use super::{
    coverage::{Schema, named_type},
    world::delivered,
};
use crate::support::{Client, TestApp};

/// All that can be selected of a type without arguments, so many levels deep.
fn selection(schema: &Schema, kind: &str, depth: usize) -> String {
    let mut parts = Vec::new();
    for field in schema.fields(kind) {
        let name = field["name"].as_str().unwrap();
        let kind = schema.type_of(kind, name);
        let is_object = !schema.fields(&kind).is_empty();
        match is_object {
            false => parts.push(name.to_owned()),
            true if kind == "Node" => parts.push(format!("{name} {{ id }}")),
            true if depth > 0 => {
                let below = selection(schema, &kind, depth - 1);
                if !below.is_empty() {
                    parts.push(format!("{name} {{ {below} }}"));
                }
            }
            true => {}
        }
    }
    parts.join(" ")
}

/// Everything that can be had of a node: each field by itself, so that no query is too big.
async fn all_of(schema: &Schema, client: &Client, kind: &str, id: &str) -> String {
    let mut answers = String::new();
    for field in schema.fields(kind) {
        let name = field["name"].as_str().unwrap();
        let of = schema.type_of(kind, name);
        let depth = if of.ends_with("Connection") { 2 } else { 1 };
        let below = match schema.fields(&of).is_empty() {
            true => String::new(),
            false if of == "Node" => "{ id }".to_owned(),
            false => format!("{{ {} }}", selection(schema, &of, depth)),
        };
        let document =
            format!("query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {name} {below} }} }} }}");
        let reply = client.send(&document, json!({ "id": id })).await;
        let code = reply.code();
        assert!(["none", "FORBIDDEN"].contains(&code), "{kind}.{name}: {reply:?}");
        answers.push_str(&reply.body.to_string());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn no_edge_leads_from_a_shared_tenant_to_another_one() {
    let app = TestApp::new().await;
    let schema = Schema::of(&app).await;
    let (root, olga) = (app.admin().await, app.user("olga").await);
    let (vera, sam) = (app.user("vera").await, app.user("sam").await);
    let product = root.create_product("web:1").await;
    let shared = olga.create_tenant("shared").await;
    let hidden = olga.create_tenant("hidden-from-vera").await;
    olga.set_member(&shared, "vera", "VIEWER").await.ok();
    olga.set_member(&hidden, "sam", "MEMBER").await.ok();
    let things = async |tenant: &str, name: &str| {
        let order = olga.place_order_for(tenant, &product, name).await.ok();
        let order = order["placeOrder"]["order"]["id"].as_str().unwrap().to_owned();
        let paid = olga.pay_order(&order).await.ok()["payOrder"].clone();
        let id = |value: &Value| value.as_str().unwrap().to_owned();
        let workflow = id(&paid["workflow"]["id"]);
        let task = id(&olga.workflow(&workflow).await["tasks"][0]["id"]);
        let made = delivered(&olga, tenant).await;
        let made = made.as_object().unwrap().values().map(id);
        let rest = [order, id(&paid["order"]["instance"]["id"]), workflow, task];
        made.chain(rest).chain([tenant.to_owned()]).collect::<Vec<_>>()
    };
    let (visible, secret) = (things(&shared, "web").await, things(&hidden, "cellar").await);
    app.run_tasks().await;
    app.observe().await;
    let personal = olga.personal_tenant().await;
    let secret = [secret, vec![sam.id().await, personal]].concat();
    let words = ["hidden-from-vera", "cellar", "sam@example.com", "personal-2"];

    let mut seen = String::new();
    for id in &visible {
        let kind = schema.kind_of(id);
        seen.push_str(&all_of(&schema, &vera, kind, id).await);
    }
    for list in [
        "orders",
        "instances",
        "versions",
        "applications",
        "environments",
        "deployments",
        "workflows",
        "tasks",
        "tenants",
        "viewer",
    ] {
        let kind = schema.type_of("Query", list);
        let document = format!("{{ {list} {{ {} }} }}", selection(&schema, &kind, 2));
        seen.push_str(&vera.send(&document, json!({})).await.body.to_string());
    }

    assert!(visible.iter().all(|id| seen.contains(id)), "what is shared is seen");
    for secret in secret.iter().map(String::as_str).chain(words) {
        assert!(!seen.contains(secret), "{secret} is reached");
    }
}

impl Schema {
    /// The name of the type of a field.
    fn type_of(&self, kind: &str, field: &str) -> String {
        let fields = self.fields(kind);
        let found = fields.iter().find(|found| found["name"] == field).unwrap();
        named_type(&found["type"])
    }

    fn kind_of(&self, id: &str) -> &'static str {
        match id.split('_').next().unwrap() {
            "ord" => "Order",
            "inst" => "Instance",
            "ver" => "Version",
            "app" => "Application",
            "env" => "Environment",
            "dep" => "Deployment",
            "wf" => "Workflow",
            "task" => "Task",
            "ten" => "Tenant",
            other => panic!("{other}"),
        }
    }
}
