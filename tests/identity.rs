use serde_json::json;

use crate::support::{Client, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn register_opens_an_account_with_a_personal_tenant() {
    let app = TestApp::new().await;
    let ada = app.user("Ada").await;

    let reply = ada
        .send(
            "{ viewer { email nickname status roles tenants { role tenant { orgId personal
                members { user { nickname } } } } } }",
            json!({}),
        )
        .await;

    let tenant = json!({
        "role": "OWNER",
        "tenant": {
            "orgId": "personal-1", "personal": true, "members": [{ "user": { "nickname": "Ada" } }],
        },
    });
    assert_eq!(
        reply.ok()["viewer"],
        json!({
            "email": "ada@example.com", "nickname": "Ada", "status": "ENABLED",
            "roles": ["USER"], "tenants": [tenant],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn register_refuses_what_is_not_acceptable_and_names_the_field() {
    let app = TestApp::new().await;
    app.user("ada").await;
    let cases = [
        ("nonsense", "long enough", "Ada", "INVALID", "input.email"),
        ("a@b@c", "long enough", "Ada", "INVALID", "input.email"),
        ("ada2@example.com", "short", "Ada", "INVALID", "input.password"),
        ("ada2@example.com", "long enough", " ", "INVALID", "input.nickname"),
        (" ADA@example.com ", "long enough", "Ada", "ALREADY_EXISTS", ""),
    ];

    for (email, password, nickname, code, field) in cases {
        let input = json!({ "email": email, "password": password, "nickname": nickname });
        let reply = app
            .anonymous()
            .send(
                "mutation($input: RegisterInput!) { register(input: $input) { accessToken } }",
                json!({ "input": input }),
            )
            .await;

        assert_eq!(reply.code(), code, "{email} {password} {nickname}");
        assert_eq!(reply.extension("field").as_str().unwrap_or_default(), field);
        assert_eq!(reply.body["data"]["register"], json!(null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_does_not_tell_a_wrong_password_from_an_unknown_account() {
    let app = TestApp::new().await;
    app.user("ada").await;

    let wrong = app.anonymous().try_login("ada", "not the password").await;
    let unknown = app.anonymous().try_login("nobody", "not the password").await;

    assert_eq!(wrong.error(), "FORBIDDEN: the e-mail address or the password is wrong");
    assert_eq!(wrong.error(), unknown.error());
    assert_eq!(wrong.status, unknown.status);
}

async fn set_status(root: &Client, id: &str, status: &str) {
    let document = "mutation($id: ID!, $status: UserStatus!) {
        setUserStatus(userId: $id, status: $status, reason: \"test\") { user { status } } }";
    let reply = root.send(document, json!({ "id": id, "status": status })).await.ok();
    assert_eq!(reply["setUserStatus"]["user"]["status"], status);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_dead_until_it_is_enabled_again() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (id, product) = (ada.id().await, root.create_product("web:1").await);
    let refresh_token = refresh_token(&app, "bob").await;
    let bob = app.anonymous().login("bob").await.id().await;

    set_status(&root, &id, "DISABLED").await;
    set_status(&root, &bob, "DISABLED").await;
    let viewer = ada.send("{ viewer { id } }", json!({})).await;
    let order = ada.place_order(&product, "web").await;
    let login = app.anonymous().try_login("ada", "correct horse battery").await;
    let refreshed = refresh_with(&app, &refresh_token).await;
    set_status(&root, &id, "ENABLED").await;

    assert_eq!((viewer.status.as_u16(), viewer.code()), (401, "UNAUTHENTICATED"));
    assert_eq!((order.status.as_u16(), order.code()), (401, "UNAUTHENTICATED"));
    assert_eq!(login.error(), "FORBIDDEN: the account is disabled");
    assert_eq!(refreshed.code(), "UNAUTHENTICATED");
    assert_eq!(ada.send("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    app.anonymous().login("ada").await.place_order(&product, "web").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_disabled_account_runs_goes_on() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (id, product) = (ada.id().await, root.create_product("web:1").await);
    let (_, running, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let (order, on_its_way, _) = ada.buy(&product, "next").await;
    let before = app.standing().await;

    set_status(&root, &id, "DISABLED").await;
    app.run_tasks().await;
    app.observe().await;

    assert_eq!(root.instance(&running).await["status"], "RUNNING");
    assert_eq!(root.instance(&on_its_way).await["status"], "RUNNING");
    assert_eq!(root.order(&order).await["status"], "COMPLETED");
    let after = app.standing().await;
    assert!(before.iter().all(|object| after.contains(object)), "{before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_account_reads_and_does_not_change_until_it_is_enabled_again() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (id, product) = (ada.id().await, root.create_product("web:1").await);
    let (_, instance, workflow) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let placed = ada.place_order(&product, "second").await.ok();
    let order = placed["placeOrder"]["order"]["id"].as_str().unwrap();
    let tenant = ada.create_tenant("acme").await;

    set_status(&root, &id, "RESTRICTED").await;
    let ada = ada.login("ada").await;
    let token =
        "mutation { createApiToken(input: { name: \"a\", scopes: [\"read\"] }) { cursor } }";
    let cancel = "mutation($id: ID!) { cancelWorkflow(id: $id) { cursor } }";
    let tenants = "mutation { createTenant(input: { orgId: \"b\", name: \"B\" }) { cursor } }";
    let refused = [
        ada.place_order(&product, "third").await,
        ada.pay_order(order).await,
        ada.cancel_order(order).await,
        ada.command("stopInstance", &instance).await,
        ada.command("deleteInstance", &instance).await,
        ada.send(cancel, json!({ "id": workflow })).await,
        ada.send(tenants, json!({})).await,
        ada.set_member(&tenant, "root", "VIEWER").await,
        ada.send(token, json!({})).await,
    ];

    for reply in refused {
        assert_eq!(reply.error(), "FORBIDDEN: the account is restricted: it may read only");
    }
    assert_eq!(ada.instance(&instance).await["status"], "RUNNING");
    assert_eq!(ada.order(order).await["status"], "PENDING");
    set_status(&root, &id, "ENABLED").await;
    ada.command("stopInstance", &instance).await.ok();
    app.run_tasks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_can_be_neither_disabled_nor_demoted() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let id = json!({ "id": root.id().await });

    let disabled = root
        .send(
            "mutation($id: ID!) { setUserStatus(userId: $id, status: DISABLED) { cursor } }",
            id.clone(),
        )
        .await;
    let demoted = root
        .send("mutation($id: ID!) { setUserRoles(userId: $id, roles: [USER]) { cursor } }", id)
        .await;

    assert_eq!(disabled.code(), "CONFLICT");
    assert_eq!(demoted.code(), "CONFLICT");
    assert_eq!(
        root.send("{ users { totalCount } }", json!({})).await.ok()["users"]["totalCount"],
        1
    );
}

/// The refresh token of a fresh account.
async fn refresh_token(app: &TestApp, name: &str) -> String {
    let reply = app.anonymous().register(name).await.ok();
    reply["register"]["refreshToken"].as_str().unwrap().to_owned()
}

async fn refresh_with(app: &TestApp, token: &str) -> crate::support::Reply {
    let document = "mutation($t: String!) { refreshSession(refreshToken: $t) {
        accessToken refreshToken user { nickname } } }";
    app.anonymous().send(document, json!({ "t": token })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_once_and_its_second_use_ends_the_session() {
    let app = TestApp::new().await;
    let first = refresh_token(&app, "ada").await;

    let fresh = refresh_with(&app, &first).await.ok()["refreshSession"].clone();
    let (access, second) = (fresh["accessToken"].as_str(), fresh["refreshToken"].as_str());
    let ada = Client::new(app.routes.clone(), access);
    ada.id().await;
    let stolen = refresh_with(&app, &first).await;

    assert_eq!(stolen.code(), "UNAUTHENTICATED");
    assert_eq!(refresh_with(&app, second.unwrap()).await.code(), "UNAUTHENTICATED");
    assert_eq!(ada.send("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(refresh_with(&app, "nonsense").await.code(), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_ends_with_its_time() {
    let app = TestApp::new().await;
    let token = refresh_token(&app, "ada").await;

    app.clock.advance(std::time::Duration::from_secs(30 * 24 * 3600));

    assert_eq!(refresh_with(&app, &token).await.code(), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_ends_one_session_or_all() {
    let app = TestApp::new().await;
    let here = app.user("ada").await;
    let (there, elsewhere) = (here.login("ada").await, here.login("ada").await);

    here.send("mutation { logout { cursor } }", json!({})).await.ok();
    let dead = here.send("{ viewer { id } }", json!({})).await;
    there.id().await;
    there.send("mutation { logout(allSessions: true) { cursor } }", json!({})).await.ok();

    assert_eq!((dead.status.as_u16(), dead.code()), (401, "UNAUTHENTICATED"));
    for client in [there, elsewhere] {
        assert_eq!(client.send("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn change_password_needs_the_old_one_and_ends_all_other_sessions() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let change = async |current: &str| {
        let input = json!({ "currentPassword": current, "newPassword": "a new password" });
        let document = "mutation($input: ChangePasswordInput!) {
            changePassword(input: $input) { accessToken } }";
        ada.send(document, json!({ "input": input })).await
    };

    let refused = change("not the password").await;
    let changed = change("correct horse battery").await.ok();

    assert_eq!(
        (refused.code(), refused.extension("field")),
        ("INVALID", &json!("input.currentPassword"))
    );
    assert_eq!(ada.send("{ viewer { id } }", json!({})).await.code(), "UNAUTHENTICATED");
    let token = changed["changePassword"]["accessToken"].as_str();
    Client::new(app.routes.clone(), token).id().await;
    assert_eq!(app.anonymous().try_login("ada", "correct horse battery").await.code(), "FORBIDDEN");
    app.anonymous().try_login("ada", "a new password").await.ok();
}
