//! Tenants, and who belongs to them.

use serde_json::{Value, json};

use crate::support::{Client, Reply, Socket, TestApp};

const EVENTS: &str = "subscription($tenant: ID!, $after: Cursor) {
    events(filter: { tenantId: $tenant }, after: $after) { type subject { id } data } }";

async fn try_create(client: &Client, org_id: &str) -> Reply {
    let document = "mutation($orgId: String!) {
        createTenant(input: { orgId: $orgId, name: \"Acme\" }) {
            replayed tenant { id orgId name personal members { role user { nickname } } } } }";
    client.send(document, json!({ "orgId": org_id })).await
}

/// Members of a tenant as (name, role), by name.
async fn members(client: &Client, tenant: &str) -> Vec<(String, String)> {
    let document = "query($id: ID!) { node(id: $id) { ... on Tenant {
        members { role user { nickname } } } } }";
    let reply = client.send(document, json!({ "id": tenant })).await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let members = reply["node"]["members"].as_array().unwrap().iter();
    let mut members: Vec<_> =
        members.map(|held| (text(&held["user"]["nickname"]), text(&held["role"]))).collect();
    members.sort();
    members
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn create_tenant_makes_its_creator_owner() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);

    let created = try_create(&ada, "acme").await.ok()["createTenant"]["tenant"].clone();
    let taken = try_create(&eve, "acme").await;

    let owner = json!([{ "role": "OWNER", "user": { "nickname": "ada" } }]);
    assert_eq!(
        (&created["orgId"], &created["personal"], &created["members"]),
        (&json!("acme"), &json!(false), &owner)
    );
    assert_eq!(taken.error(), "ALREADY_EXISTS: tenant acme exists already");
    let list = "{ tenants { totalCount nodes { orgId } } }";
    let (hers, others) = (ada.send(list, json!({})).await, eve.send(list, json!({})).await);
    let nodes = json!([{ "orgId": "acme" }, { "orgId": "personal-1" }]);
    assert_eq!(hers.ok()["tenants"], json!({ "totalCount": 2, "nodes": nodes }));
    assert_eq!(others.ok()["tenants"]["nodes"], json!([{ "orgId": "personal-2" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn create_tenant_refuses_what_cannot_be_part_of_a_namespace() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let long = "a".repeat(31);

    for bad in ["", "Acme", "ac me", "-acme", "acme-", "ac_me", "acmé", "personal-9", &long] {
        let reply = try_create(&ada, bad).await;
        let refused = (reply.code(), reply.extension("field"));
        assert_eq!(refused, ("INVALID", &json!("input.orgId")), "{bad}");
    }
    for good in ["acme", "a", "3com", &long[1..]] {
        try_create(&ada, good).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenants_of_everybody_are_listed_for_administrators_page_by_page() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    ada.create_tenant("acme").await;
    let document = "query($after: String) { tenants(first: 2, after: $after) {
        totalCount nodes { orgId } pageInfo { hasNextPage endCursor } } }";

    let first = root.send(document, json!({})).await.ok()["tenants"].clone();
    let after = &first["pageInfo"]["endCursor"];
    let second = root.send(document, json!({ "after": after })).await.ok()["tenants"].clone();

    assert_eq!(
        (&first["totalCount"], &first["pageInfo"]["hasNextPage"]),
        (&json!(3), &json!(true))
    );
    assert_eq!(first["nodes"][0]["orgId"], "acme");
    assert_eq!(second["nodes"], json!([{ "orgId": "personal-1" }]));
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_and_change_viewers_see_and_owners_say_who() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (bob, vic, eve) = (app.user("bob").await, app.user("vic").await, app.user("eve").await);
    let product = root.create_product("web:1").await;
    let tenant = ada.create_tenant("acme").await;
    ada.set_member(&tenant, "bob", "MEMBER").await.ok();
    ada.set_member(&tenant, "vic", "VIEWER").await.ok();

    let order = bob.place_order_for(&tenant, &product, "web").await.ok();
    let order = order["placeOrder"]["order"]["id"].as_str().unwrap().to_owned();
    let viewer_pays = vic.pay_order(&order).await;
    let stranger_pays = eve.pay_order(&order).await;
    let member_manages = bob.set_member(&tenant, "eve", "VIEWER").await;
    let stranger_manages = eve.set_member(&tenant, "eve", "OWNER").await;
    let promoted = ada.set_member(&tenant, "bob", "OWNER").await;

    assert_eq!(viewer_pays.error(), "FORBIDDEN: this needs the role OWNER or MEMBER in the tenant");
    assert_eq!(stranger_pays.code(), "NOT_FOUND");
    assert_eq!(member_manages.error(), "FORBIDDEN: this needs the role OWNER in the tenant");
    assert_eq!(stranger_manages.code(), "NOT_FOUND");
    assert!(promoted.body["errors"].is_null());
    assert_eq!(vic.order(&order).await["status"], "PENDING");
    assert_eq!(eve.order(&order).await, json!(null));
    let expected = [("ada", "OWNER"), ("bob", "OWNER"), ("vic", "VIEWER")];
    assert_eq!(members(&vic, &tenant).await, pairs(&expected));
    root.pay_order(&order).await.ok();
    app.run_tasks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_can_neither_leave_nor_be_demoted() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let tenant = ada.create_tenant("acme").await;

    let leaves = ada.remove_member(&tenant, &ada.id().await).await;
    let demoted = ada.set_member(&tenant, "ada", "MEMBER").await;
    ada.set_member(&tenant, "bob", "OWNER").await.ok();
    let leaves_another = ada.remove_member(&tenant, &ada.id().await).await;

    let why = "CONFLICT: the last owner can neither leave nor be demoted";
    assert_eq!((leaves.error().as_str(), demoted.error().as_str()), (why, why));
    assert!(leaves_another.body["errors"].is_null(), "{leaves_another:?}");
    assert_eq!(members(&bob, &tenant).await, pairs(&[("bob", "OWNER")]));
    assert_eq!(ada.set_member(&tenant, "ada", "OWNER").await.code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let tenant = ada.create_tenant("acme").await;
    ada.set_member(&tenant, "bob", "OWNER").await.ok();
    let (ada_id, bob_id) = (ada.id().await, bob.id().await);

    let (one, other) =
        tokio::join!(ada.remove_member(&tenant, &bob_id), bob.remove_member(&tenant, &ada_id));

    let done = [&one, &other].iter().filter(|reply| reply.body["errors"].is_null()).count();
    assert_eq!(done, 1, "{one:?} {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_personal_tenant_is_fixed() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let tenant = ada.personal_tenant().await;
    let id = ada.id().await;

    let refused = [
        ada.remove_member(&tenant, &id).await,
        ada.set_member(&tenant, "ada", "MEMBER").await,
        ada.set_member(&tenant, "bob", "OWNER").await,
    ];
    ada.set_member(&tenant, "bob", "MEMBER").await.ok();

    for reply in refused {
        assert_eq!(reply.error(), "CONFLICT: the owner of a personal tenant is fixed");
    }
    let expected = [("ada", "OWNER"), ("bob", "MEMBER")];
    assert_eq!(members(&bob, &tenant).await, pairs(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_change_of_a_tenants_members_is_an_event() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let tenant = ada.create_tenant("acme").await;
    let id = bob.id().await;

    ada.set_member(&tenant, "bob", "VIEWER").await.ok();
    ada.set_member(&tenant, "bob", "VIEWER").await.ok();
    ada.set_member(&tenant, "bob", "MEMBER").await.ok();
    ada.remove_member(&tenant, &id).await.ok();

    let document = "query($tenant: ID!) { events(filter: { tenantId: $tenant }) {
        nodes { type previousStatus data subject { id } } } }";
    let events = ada.send(document, json!({ "tenant": tenant })).await.ok()["events"].clone();
    let told = events["nodes"].as_array().unwrap().iter().map(|event| {
        assert_eq!(event["subject"]["id"], tenant);
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        format!(
            "{} {} {}",
            text(&event["type"]),
            text(&event["previousStatus"]),
            text(&event["data"]["role"])
        )
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "TENANT_CREATED - -",
            "TENANT_MEMBER_SET - OWNER",
            "TENANT_MEMBER_SET - VIEWER",
            "TENANT_MEMBER_SET VIEWER MEMBER",
            "TENANT_MEMBER_REMOVED MEMBER MEMBER",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_removed_member_once_did_is_not_shown_again() {
    let app = TestApp::new().await;
    let (root, ada, bob) = (app.admin().await, app.user("ada").await, app.user("bob").await);
    let product = root.create_product("web:1").await;
    let tenant = ada.create_tenant("acme").await;
    ada.set_member(&tenant, "bob", "MEMBER").await.ok();
    let place = json!({
        "query": "mutation($t: ID!, $p: ID!) { placeOrder(idempotencyKey: \"k\",
            input: { tenantId: $t, productId: $p, instanceName: \"web\" }) { order { id } } }",
        "variables": { "t": tenant, "p": product },
    });
    bob.post(&place, &[]).await.ok();

    ada.remove_member(&tenant, &bob.id().await).await.ok();

    assert_eq!(bob.post(&place, &[]).await.code(), "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_streams_of_a_removed_or_demoted_member_end() {
    let mut app = TestApp::new().await;
    let (ada, bob, vic) = (app.user("ada").await, app.user("bob").await, app.user("vic").await);
    let tenant = ada.create_tenant("acme").await;
    ada.set_member(&tenant, "bob", "VIEWER").await.ok();
    ada.set_member(&tenant, "vic", "MEMBER").await.ok();
    let (bob_id, address) = (bob.id().await, app.live().await);
    let after = ada.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    let follow = async |client: &Client| {
        let mut socket = Socket::connect(&address, client.token.as_deref()).await;
        let variables = json!({ "tenant": tenant, "after": after });
        socket.subscribe("1", EVENTS, variables).await;
        socket
    };
    let (mut removed, mut demoted) = (follow(&bob).await, follow(&vic).await);
    let mut untouched = follow(&ada).await;

    ada.remove_member(&tenant, &bob_id).await.ok();
    ada.set_member(&tenant, "vic", "VIEWER").await.ok();

    let ended = async { tokio::join!(removed.close_code(), demoted.close_code()) };
    let longest = std::time::Duration::from_secs(5);
    assert_eq!(tokio::time::timeout(longest, ended).await.expect("they live on"), (4403, 4403));
    let removal = "TENANT_MEMBER_REMOVED";
    while untouched.hear().await["payload"]["data"]["events"]["type"] != removal {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_streams_of_a_promoted_member_go_on() {
    let mut app = TestApp::new().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let tenant = ada.create_tenant("acme").await;
    ada.set_member(&tenant, "bob", "VIEWER").await.ok();
    let address = app.live().await;
    let mut socket = Socket::connect(&address, bob.token.as_deref()).await;
    let after = bob.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    socket.subscribe("1", EVENTS, json!({ "tenant": tenant, "after": after })).await;

    ada.set_member(&tenant, "bob", "MEMBER").await.ok();
    // Longer than it takes to notice what is lost.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    ada.set_member(&tenant, "bob", "OWNER").await.ok();

    while socket.hear().await["payload"]["data"]["events"]["data"]["role"] != "OWNER" {}
}
