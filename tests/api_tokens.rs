//! Credentials for tools.

use std::time::Duration;

use domain::clock::{Clock, SystemClock};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::support::{Client, Reply, Socket, TestApp};

const CREATE: &str = "mutation($input: CreateApiTokenInput!, $key: String) {
    createApiToken(input: $input, idempotencyKey: $key) {
        replayed secret apiToken { id name scopes createdAt expiresAt lastUsedAt revokedAt } } }";
const REVOKE: &str = "mutation($id: ID!) { revokeApiToken(id: $id) { secret apiToken { id } } }";
const LONGEST: Duration = Duration::from_secs(5);

async fn try_create(client: &Client, scopes: &[&str], expires_in: Option<i64>) -> Reply {
    let at = |seconds| (SystemClock.now() + SignedDuration::from_secs(seconds)).to_string();
    let input = json!({ "name": "ci", "scopes": scopes, "expiresAt": expires_in.map(at) });
    client.send(CREATE, json!({ "input": input })).await
}

/// A fresh token's id and a client that uses it.
async fn token(app: &TestApp, client: &Client, scopes: &[&str]) -> (String, Client) {
    let created = try_create(client, scopes, None).await.ok()["createApiToken"].clone();
    let id = created["apiToken"]["id"].as_str().unwrap().to_owned();
    (id, Client::new(app.routes.clone(), created["secret"].as_str()))
}

async fn listed(client: &Client) -> Value {
    let list = "{ viewer { apiTokens { totalCount nodes { id lastUsedAt } } } }";
    client.send(list, json!({})).await.ok()["viewer"]["apiTokens"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_acts_as_its_account_and_its_secret_is_shown_once() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let input = json!({ "name": " CI ", "scopes": ["write", "read", "write"] });
    let variables = json!({ "input": input, "key": "k" });

    let created = ada.send(CREATE, variables.clone()).await.ok()["createApiToken"].clone();
    let again = ada.send(CREATE, variables).await.ok()["createApiToken"].clone();

    let secret = created["secret"].as_str().unwrap();
    assert!(secret.starts_with("slp_") && secret.len() == 47, "{secret}");
    assert_eq!(
        (&created["apiToken"]["name"], &created["apiToken"]["scopes"]),
        (&json!("CI"), &json!(["read", "write"]))
    );
    assert_eq!((&again["replayed"], &again["secret"]), (&json!(true), &json!(null)));
    assert_eq!(again["apiToken"]["id"], created["apiToken"]["id"]);
    let tool = Client::new(app.routes.clone(), Some(secret));
    assert_eq!(tool.id().await, ada.id().await);
    assert_eq!(listed(&ada).await["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_of_an_api_token_stands_nowhere() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (_, tool) = token(&app, &ada, &["read"]).await;
    tool.id().await;
    let secret = tool.token.unwrap();

    let document = "{ events(first: 100) { nodes { type data } } }";
    let events = root.send(document, json!({})).await.ok()["events"].to_string();

    assert!(events.contains("API_TOKEN_CREATED"));
    assert!(!events.contains(&secret) && !events.contains("hash"));
    if !app.database.is_postgres() {
        for file in std::fs::read_dir(app.database.folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let random = secret.trim_start_matches("slp_").as_bytes();
            assert!(!bytes.windows(random.len()).any(|window| window == random));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn create_api_token_refuses_what_is_not_acceptable() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let cases = [
        (json!({ "name": " ", "scopes": ["read"] }), "input.name"),
        (json!({ "name": "a\u{7}", "scopes": ["read"] }), "input.name"),
        (json!({ "name": "a", "scopes": [] }), "input.scopes"),
        (json!({ "name": "a", "scopes": ["read", "all"] }), "input.scopes"),
        (
            json!({ "name": "a", "scopes": ["read"], "expiresAt": "2020-01-01T00:00:00Z" }),
            "input.expiresAt",
        ),
    ];

    for (input, field) in cases {
        let reply = ada.send(CREATE, json!({ "input": input })).await;
        assert_eq!((reply.code(), reply.extension("field")), ("INVALID", &json!(field)));
    }
    assert_eq!(listed(&ada).await["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_may_do_no_more_than_its_scopes() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, reader) = token(&app, &ada, &["read"]).await;
    let (_, writer) = token(&app, &ada, &["write"]).await;
    let (_, not_admin) = token(&app, &root, &["read", "write"]).await;
    let (_, auditor) = token(&app, &root, &["read", "admin"]).await;
    let (_, admin) = token(&app, &root, &["write", "admin"]).await;

    let read = reader.place_order(&product, "web").await;
    let written = writer.place_order(&product, "web").await;

    assert_eq!(read.error(), "FORBIDDEN: this needs the scope write");
    assert!(written.body["errors"].is_null(), "{written:?}");
    writer.id().await;
    let users = "{ users { totalCount } }";
    let answers = [
        (not_admin.send(users, json!({})).await, "FORBIDDEN: this needs the scope admin"),
        (
            not_admin.try_create_product(crate::support::product("x")).await,
            "FORBIDDEN: this needs the scope admin",
        ),
        (
            auditor.try_create_product(crate::support::product("x")).await,
            "FORBIDDEN: this needs the scope write",
        ),
    ];
    for (reply, expected) in answers {
        assert_eq!(reply.error(), expected);
    }
    let order = written.ok()["placeOrder"]["order"]["id"].as_str().unwrap().to_owned();
    assert_eq!(not_admin.order(&order).await, json!(null));
    assert_eq!(auditor.order(&order).await["status"], "PENDING");
    assert_eq!(auditor.send(users, json!({})).await.ok()["users"]["totalCount"], 2);
    admin.create_product("web:2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_makes_no_tokens_and_touches_no_login() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let (id, tool) = token(&app, &ada, &["read", "write", "admin"]).await;
    let password = json!({ "input": {
        "currentPassword": "correct horse battery", "newPassword": "another password" } });
    let change = "mutation($input: ChangePasswordInput!) {
        changePassword(input: $input) { accessToken } }";

    let refused = [
        try_create(&tool, &["read"], None).await,
        tool.send(REVOKE, json!({ "id": id })).await,
        tool.send(change, password).await,
        tool.send("mutation { logout { cursor } }", json!({})).await,
        tool.send("mutation { logout(allSessions: true) { cursor } }", json!({})).await,
    ];

    for reply in refused {
        assert_eq!(reply.error(), "FORBIDDEN: this needs a login: API tokens may not do it");
    }
    assert_eq!(eve.send(REVOKE, json!({ "id": id })).await.code(), "NOT_FOUND");
    tool.id().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_use_of_an_api_token_is_noted_once_a_minute() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let (_, tool) = token(&app, &ada, &["read"]).await;
    let last_used = async || listed(&ada).await["nodes"][0]["lastUsedAt"].clone();
    let before = last_used().await;

    tool.id().await;
    let first = loop {
        match last_used().await {
            Value::Null => sleep(Duration::from_millis(10)).await,
            at => break at,
        }
    };
    app.clock.advance(Duration::from_secs(30));
    tool.id().await;

    assert_eq!(before, json!(null));
    assert_eq!(last_used().await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_api_token_is_dead_and_its_socket_ends() {
    let mut app = TestApp::new().await;
    let ada = app.user("ada").await;
    let (id, tool) = token(&app, &ada, &["read"]).await;
    let (_, other) = token(&app, &ada, &["read"]).await;
    let address = app.live().await;
    let mut socket = Socket::connect(&address, tool.token.as_deref()).await;
    let mut untouched = Socket::connect(&address, other.token.as_deref()).await;

    ada.send(REVOKE, json!({ "id": id })).await.ok();
    let dead = tool.send("{ viewer { id } }", json!({})).await;

    assert_eq!((dead.status.as_u16(), dead.code()), (401, "UNAUTHENTICATED"));
    assert_eq!(timeout(LONGEST, socket.close_code()).await.expect("it lives on"), 4403);
    untouched.say(json!({ "type": "ping" })).await;
    assert_eq!(untouched.hear().await["type"], "pong");
    assert_eq!(listed(&ada).await["totalCount"], 1);
    ada.send(REVOKE, json!({ "id": id })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_and_its_socket_end_with_their_time() {
    let mut app = TestApp::new().await;
    let ada = app.user("ada").await;
    let created = try_create(&ada, &["read"], Some(3)).await.ok()["createApiToken"].clone();
    let secret = created["secret"].as_str();
    let address = app.live().await;
    let mut socket = Socket::connect(&address, secret).await;

    let closed = timeout(Duration::from_secs(3) + LONGEST, socket.close_code()).await;

    assert_eq!(closed.expect("it lives on"), 4403);
    let tool = Client::new(app.routes.clone(), secret);
    assert_eq!(tool.send("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_token_dies_with_its_account() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (_, tool) = token(&app, &ada, &["read"]).await;
    let document = "mutation($id: ID!, $status: UserStatus!) {
        setUserStatus(userId: $id, status: $status) { cursor } }";
    let id = ada.id().await;

    root.send(document, json!({ "id": id, "status": "DISABLED" })).await.ok();
    let disabled = tool.send("{ viewer { id } }", json!({})).await;
    root.send(document, json!({ "id": id, "status": "ENABLED" })).await.ok();

    assert_eq!(disabled.code(), "UNAUTHENTICATED");
    tool.id().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_like_an_api_token_and_is_none_is_refused() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let (_, tool) = token(&app, &ada, &["read"]).await;
    let secret = tool.token.clone().unwrap();
    let forgeries = [
        "slp_".to_owned(),
        format!("{secret}x"),
        secret[..46].to_owned(),
        secret.to_uppercase(),
        secret.replace("slp_", "slp_slp_"),
        format!("slp_{}", "A".repeat(43)),
        format!("slp_{}", "A".repeat(6000)),
    ];

    for forgery in forgeries {
        let reply = Client::new(app.routes.clone(), Some(&forgery))
            .send("{ viewer { id } }", json!({}))
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.code()),
            (401, "UNAUTHENTICATED"),
            "{forgery:.60}"
        );
    }
}
