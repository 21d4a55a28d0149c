//! Who may do what: every mutation as nobody, a stranger, the owner and an administrator. A
//! mutation that is missing here fails the test.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// What each of (anonymous, stranger, owner, administrator) meets: a code, or `none`.
type Row = (&'static str, &'static str, [&'static str; 4]);

const NOBODY: &str = "UNAUTHENTICATED";
const HIDDEN: &str = "NOT_FOUND";

/// Mutation, its arguments, and what it answers. All act on something of the owner's in a state
/// that makes the call a harmless refusal or repetition for those who may make it.
const TABLE: &[Row] = &[
    ("register", "(input: { email: \"x\", password: \"x\", nickname: \"x\" })", ["INVALID"; 4]),
    ("login", "(input: { email: \"a@b\", password: \"x\" })", ["FORBIDDEN"; 4]),
    (
        "setUserStatus",
        "(userId: $user, status: ENABLED)",
        [NOBODY, "FORBIDDEN", "FORBIDDEN", "none"],
    ),
    ("setUserRoles", "(userId: $user, roles: [USER])", [NOBODY, "FORBIDDEN", "FORBIDDEN", "none"]),
    (
        "createProduct",
        "(input: { name: \"P\", spec: { cpuMillis: 1, memoryMib: 1, image: \"x\" }, price: 1 })",
        [NOBODY, "FORBIDDEN", "FORBIDDEN", "none"],
    ),
    ("updateProduct", "(id: $product, input: {})", [NOBODY, "FORBIDDEN", "FORBIDDEN", "none"]),
    (
        "placeOrder",
        "(input: { productId: $product, instanceName: \"Web\", tenantId: $tenant })",
        [NOBODY, "INVALID", "INVALID", "INVALID"],
    ),
    ("payOrder", "(id: $order)", [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"]),
    ("cancelOrder", "(id: $order)", [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"]),
    (
        "startInstance",
        "(id: $instance)",
        [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"],
    ),
    (
        "stopInstance",
        "(id: $instance)",
        [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"],
    ),
    (
        "restartInstance",
        "(id: $instance)",
        [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"],
    ),
    (
        "updateInstance",
        "(id: $instance, input: { cpuMillis: 500 })",
        [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"],
    ),
    ("deleteInstance", "(id: $instance)", [NOBODY, HIDDEN, "none", "none"]),
    (
        "cancelWorkflow",
        "(id: $workflow)",
        [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"],
    ),
    ("retryTask", "(id: $task)", [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"]),
    (
        "retryFailedTasks",
        "(workflowId: $workflow)",
        [NOBODY, HIDDEN, "INVALID_TRANSITION", "INVALID_TRANSITION"],
    ),
    ("refreshSession", "(refreshToken: \"nonsense\")", [NOBODY; 4]),
    (
        "changePassword",
        "(input: { currentPassword: \"x\", newPassword: \"x\" })",
        [NOBODY, "INVALID", "INVALID", "INVALID"],
    ),
    ("logout", "", [NOBODY, "none", "none", "none"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_answers_each_caller_as_the_table_says() {
    let app = TestApp::new().await;
    let (root, owner, stranger) = (app.admin().await, app.user("ada").await, app.user("eve").await);
    let product = root.create_product("web:1").await;
    let (order, instance, workflow) = owner.buy(&product, "web").await;
    let task = owner.workflow(&workflow).await["tasks"][0]["id"].clone();
    let tenant = owner
        .send("{ viewer { tenants { tenant { id } } } }", json!({}))
        .await
        .ok()["viewer"]["tenants"][0]["tenant"]["id"]
        .clone();
    let user = stranger.id().await;
    let ids = json!({
        "user": user, "product": product, "order": order, "instance": instance, "tenant": tenant,
        "workflow": workflow, "task": task,
    });
    let callers = [app.anonymous(), stranger, owner, root];

    for (mutation, arguments, expected) in TABLE {
        for (caller, expected) in callers.iter().zip(expected) {
            let reply = call(caller, mutation, arguments, &ids).await;
            assert_eq!(reply, *expected, "{mutation}");
        }
    }
    app.run_tasks().await;
}

async fn call(caller: &Client, mutation: &str, arguments: &str, ids: &Value) -> String {
    let used: Vec<_> = ["user", "product", "order", "instance", "tenant", "workflow", "task"]
        .into_iter()
        .filter(|name| arguments.contains(&format!("${name}")))
        .collect();
    let declared: Vec<String> = used.iter().map(|name| format!("${name}: ID!")).collect();
    let declared =
        if declared.is_empty() { String::new() } else { format!("({})", declared.join(", ")) };
    let document = format!("mutation{declared} {{ {mutation}{arguments} {{ cursor }} }}");
    caller.send(&document, ids.clone()).await.code().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_names_every_mutation() {
    let app = TestApp::new().await;
    let reply =
        app.anonymous().send("{ __schema { mutationType { fields { name } } } }", json!({})).await;

    let reply = reply.ok();
    let fields = reply["__schema"]["mutationType"]["fields"].as_array().unwrap().clone();
    let in_schema: BTreeSet<_> =
        fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
    let in_table: BTreeSet<_> = TABLE.iter().map(|row| row.0).collect();
    assert_eq!(in_table, in_schema);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_answers_as_what_is_missing() {
    let app = TestApp::new().await;
    let (root, ada, eve) = (app.admin().await, app.user("ada").await, app.user("eve").await);
    let product = root.create_product("web:1").await;
    let (order, instance, workflow) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let task = ada.workflow(&workflow).await["tasks"][0]["id"].as_str().unwrap().to_owned();
    let user = ada.id().await;
    let node = "query($id: ID!) { node(id: $id) { id } }";

    for id in [order.as_str(), &instance, &workflow, &task, &user] {
        let missing = id.split_inclusive('_').next().unwrap().to_owned() + &"0".repeat(32);
        let theirs = eve.send(node, json!({ "id": id })).await;
        let nobodys = eve.send(node, json!({ "id": missing })).await;
        assert_eq!(theirs.body, nobodys.body, "{id}");
        assert_eq!(ada.send(node, json!({ "id": id })).await.ok()["node"]["id"], *id);
    }
    assert_eq!(eve.order(&order).await, json!(null));
    for list in ["orders", "instances", "workflows", "tasks"] {
        let reply = eve.send(&format!("{{ {list} {{ totalCount }} }}"), json!({})).await;
        assert_eq!(reply.ok()[list]["totalCount"], 0, "{list}");
    }
}
