use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use domain::{
    Settings,
    quota::{QuotaDimension, QuotaLimit, QuotaLimits},
};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

/// How a tenant stands in one dimension: limit, used, reserved, available.
type Line = (Option<i64>, i64, i64, Option<i64>);

async fn line(client: &Client, tenant: &str, dimension: &str) -> Line {
    let document = "query($id: ID!) { node(id: $id) { ... on Tenant {
        quota { dimension limit used reserved available } } } }";
    let reply = client.send(document, json!({ "id": tenant })).await.ok();
    let lines = reply["node"]["quota"].as_array().unwrap().clone();
    let line = lines.iter().find(|line| line["dimension"] == dimension).unwrap();
    let number = |name: &str| line[name].as_str().map(|text| text.parse().unwrap());
    (number("limit"), number("used").unwrap(), number("reserved").unwrap(), number("available"))
}

async fn limit(root: &Client, tenant: &str, limits: &Value) -> Reply {
    let document = "mutation($id: ID!, $limits: [QuotaLimitInput!]!) {
        setTenantQuota(tenantId: $id, limits: $limits) { tenant { id } } }";
    root.send(document, json!({ "id": tenant, "limits": limits })).await
}

fn at_most(dimension: &str, limit: i64) -> Value {
    json!({ "dimension": dimension, "limit": limit })
}

async fn order(client: &Client, product: &str, name: &str) -> String {
    let placed = client.place_order(product, name).await.ok();
    placed["placeOrder"]["order"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_takes_from_its_payment_until_it_is_gone() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let tenant = ada.personal_tenant().await;
    limit(&root, &tenant, &json!([at_most("CPU_MILLIS", 1000)])).await.ok();

    let (_, instance, _) = ada.buy(&product, "web").await;
    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (Some(1000), 0, 250, Some(750)));
    assert_eq!(line(&ada, &tenant, "RUNNING_WORKFLOWS").await, (None, 0, 1, None));
    app.run_tasks().await;
    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (Some(1000), 250, 0, Some(750)));
    assert_eq!(line(&ada, &tenant, "INSTANCES").await, (None, 1, 0, None));
    assert_eq!(line(&ada, &tenant, "RUNNING_WORKFLOWS").await, (None, 0, 0, None));
    ada.command("deleteInstance", &instance).await.ok();
    app.run_tasks().await;

    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (Some(1000), 0, 0, Some(1000)));
    assert_eq!(line(&ada, &tenant, "INSTANCES").await, (None, 0, 0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dimension_that_does_not_suffice_is_named() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let tenant = ada.personal_tenant().await;
    let limits = [("INSTANCES", 1), ("CPU_MILLIS", 200), ("MEMORY_MIB", 0), ("GPU", 0)];
    let mut limits = limits.map(|(dimension, limit)| at_most(dimension, limit)).to_vec();
    limits.push(at_most("RUNNING_WORKFLOWS", 0));
    limit(&root, &tenant, &json!(limits)).await.ok();
    let order = order(&ada, &product, "web").await;

    let refused = ada.pay_order(&order).await;

    assert_eq!(refused.code(), "QUOTA_EXCEEDED");
    assert_eq!(
        refused.extension("dimensions"),
        &json!([
            { "dimension": "CPU_MILLIS", "requested": 250, "available": 200 },
            { "dimension": "MEMORY_MIB", "requested": 128, "available": 0 },
            { "dimension": "RUNNING_WORKFLOWS", "requested": 1, "available": 0 },
        ])
    );
    assert_eq!(ada.order(&order).await["status"], "PENDING");
    let cleared = json!({ "dimension": "RUNNING_WORKFLOWS", "limit": null });
    let limits = json!([at_most("CPU_MILLIS", 250), at_most("MEMORY_MIB", 128), cleared]);
    limit(&root, &tenant, &limits).await.ok();
    ada.pay_order(&order).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_creation_gives_back_what_it_took() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("crash:1").await;
    let tenant = ada.personal_tenant().await;

    ada.buy(&product, "web").await;
    app.run_tasks().await;

    for dimension in ["INSTANCES", "CPU_MILLIS", "MEMORY_MIB", "RUNNING_WORKFLOWS"] {
        assert_eq!(line(&ada, &tenant, dimension).await, (None, 0, 0, None), "{dimension}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_takes_the_difference() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let tenant = ada.personal_tenant().await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    limit(&root, &tenant, &json!([at_most("CPU_MILLIS", 500)])).await.ok();

    let refused = ada.update_instance(&instance, json!({ "cpuMillis": 501 })).await;
    ada.update_instance(&instance, json!({ "cpuMillis": 500 })).await.ok();

    let lacking = json!([{ "dimension": "CPU_MILLIS", "requested": 251, "available": 250 }]);
    assert_eq!(refused.extension("dimensions"), &lacking);
    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (Some(500), 0, 500, Some(0)));
    app.run_tasks().await;
    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (Some(500), 500, 0, Some(0)));
    limit(&root, &tenant, &json!([at_most("CPU_MILLIS", 100)])).await.ok();
    ada.update_instance(&instance, json!({ "cpuMillis": 400 })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_have_the_defaults_until_an_administrator_sets_something_else() {
    let dimension = QuotaDimension::Instances;
    let quota_defaults = QuotaLimits::default().with([QuotaLimit { dimension, limit: Some(1) }]);
    let app = TestApp::with(Settings { quota_defaults, ..Settings::default() }).await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let tenant = ada.personal_tenant().await;
    ada.buy(&product, "one").await;
    let second = order(&ada, &product, "two").await;

    assert_eq!(ada.pay_order(&second).await.code(), "QUOTA_EXCEEDED");
    let cleared = json!([{ "dimension": "INSTANCES", "limit": null }]);
    limit(&root, &tenant, &cleared).await.ok();
    ada.pay_order(&second).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_numbers_from_zero_and_named_once() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let tenant = ada.personal_tenant().await;

    let negative = limit(&root, &tenant, &json!([at_most("GPU", -1)])).await;
    let twice = limit(&root, &tenant, &json!([at_most("GPU", 1), at_most("GPU", 2)])).await;

    assert_eq!(negative.error(), "INVALID: limits.limit: must not be negative");
    assert_eq!(twice.error(), "INVALID: limits: GPU is there twice");
    assert_eq!(limit(&ada, &tenant, &json!([])).await.code(), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_exact_in_a_race_of_sixty_four_with_failures_deletions_and_crashes() {
    const LIMIT: i64 = 10;
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (good, bad) = (root.create_product("web:1").await, root.create_product("crash:1").await);
    let tenant = ada.personal_tenant().await;
    limit(&root, &tenant, &json!([at_most("INSTANCES", LIMIT)])).await.ok();
    let mut orders = Vec::new();
    for n in 0..64 {
        let product = if n % 3 == 0 { &bad } else { &good };
        orders.push(order(&ada, product, &format!("web-{n}")).await);
    }
    let over = AtomicBool::new(false);
    let exceeded = AtomicBool::new(false);
    let watched = async {
        while !over.load(Ordering::Relaxed) {
            let (_, used, reserved, _) = line(&ada, &tenant, "INSTANCES").await;
            exceeded.fetch_or(used + reserved > LIMIT, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    };
    let raced = async {
        for round in 0..3 {
            let paid = join_all(orders.iter().map(|order| ada.pay_order(order))).await;
            let won = paid.iter().filter(|reply| reply.code() == "none").count();
            assert!(won > 0, "somebody wins in round {round}");
            // A worker dies with a task in its hands.
            app.control_plane.claim_task().await.unwrap().unwrap();
            app.advance(Duration::from_secs(31));
            app.run_tasks().await;
            delete_half(&ada).await;
            app.run_tasks().await;
        }
        over.store(true, Ordering::Relaxed);
    };

    futures::join!(watched, raced);

    assert!(!exceeded.load(Ordering::Relaxed), "more than the limit was taken");
    let living = living(&ada).await;
    let expected = i64::try_from(living.len()).unwrap();
    assert!(expected > 0);
    let left = Some(LIMIT - expected);
    assert_eq!(line(&ada, &tenant, "INSTANCES").await, (Some(LIMIT), expected, 0, left));
    let cpu = 250 * expected;
    assert_eq!(line(&ada, &tenant, "CPU_MILLIS").await, (None, cpu, 0, None));
}

async fn living(client: &Client) -> Vec<String> {
    let document = "{ instances(first: 100, filter: { status: [RUNNING] }) { nodes { id } } }";
    let reply = client.send(document, json!({})).await.ok();
    let nodes = reply["instances"]["nodes"].as_array().unwrap();
    nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

async fn delete_half(client: &Client) {
    for id in living(client).await.iter().step_by(2) {
        client.command("deleteInstance", id).await.ok();
    }
}
