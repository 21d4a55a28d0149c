use serde_json::{Value, json};

use crate::support::{REPOSITORY, TestApp, text};

#[tokio::test(flavor = "multi_thread")]
async fn versions_applications_and_environments_show_what_was_given() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let config = json!({ "dockerfile": "Dockerfile.prod", "port": "8080", "team": "core" });
    let (version, application, environment) = (
        ada.create_version("v1.0.0").await,
        ada.create_application("api", config.clone()).await,
        ada.create_environment("production").await,
    );

    let document = "query($v: ID!, $a: ID!, $e: ID!) {
        version: node(id: $v) { ... on Version { gitTag gitCommit repository description
            createdBy { email } tenant { personal } } }
        application: node(id: $a) { ... on Application { name repository type config
            secrets { isSet } } }
        environment: node(id: $e) { ... on Environment { name type isActive cluster namespace
            kubeconfig { isSet } } }
    }";
    let shown =
        ada.send(document, json!({ "v": version, "a": application, "e": environment })).await.ok();

    assert_eq!(
        shown,
        json!({
            "version": {
                "gitTag": "v1.0.0", "gitCommit": "abc123def456", "repository": REPOSITORY,
                "description": "For tests", "createdBy": { "email": "ada@example.com" },
                "tenant": { "personal": true },
            },
            "application": {
                "name": "api", "repository": REPOSITORY, "type": "microservice",
                "config": config, "secrets": { "isSet": false },
            },
            "environment": {
                "name": "production", "type": "KUBERNETES", "isActive": true, "cluster": null,
                "namespace": "production", "kubeconfig": { "isSet": false },
            },
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_once_in_a_tenant_and_free_again_when_its_holder_is_deleted() {
    let app = TestApp::new().await;
    let (ada, bob) = (app.user("ada").await, app.user("bob").await);
    let version = ada.create_version("v1").await;
    let application = ada.create_application("api", json!({})).await;
    let environment = ada.create_environment("production").await;
    let again = [
        ("Version", version, input("Version", "v1")),
        ("Application", application, input("Application", "api")),
        ("Environment", environment, input("Environment", "production")),
    ];

    for (kind, id, input) in again {
        assert_eq!(ada.try_create(kind, input.clone()).await.code(), "ALREADY_EXISTS", "{kind}");
        bob.try_create(kind, input.clone()).await.ok();
        let deleted = ada.delete(kind, &id).await.ok();
        assert_eq!(deleted[format!("delete{kind}")]["id"], json!(id), "{kind}");
        assert_eq!(ada.delete(kind, &id).await.code(), "NOT_FOUND", "{kind}");
        ada.try_create(kind, input).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_takes_no_name_that_another_has() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    ada.create_application("api", json!({})).await;
    let web = ada.create_application("web", json!({})).await;

    let refused = ada.update("Application", &web, json!({ "name": "api" })).await;
    let taken = ada.update("Application", &web, json!({ "name": "shop" })).await;

    assert_eq!(refused.code(), "ALREADY_EXISTS");
    assert_eq!(taken.ok()["updateApplication"]["application"]["name"], "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_paged_and_counted_without_what_is_deleted() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    for tag in ["v1", "v2", "v3"] {
        ada.create_version(tag).await;
    }
    let gone = ada.create_version("v0").await;
    ada.delete("Version", &gone).await.ok();
    let mut other = input("Version", "v1");
    other["repository"] = json!("https://git.example.com/acme/other");
    ada.try_create("Version", other).await.ok();

    let document = "query($filter: VersionFilter, $after: String) {
        versions(filter: $filter, first: 2, after: $after) {
            totalCount nodes { gitTag } pageInfo { hasNextPage endCursor } } }";
    let filter = json!({ "repository": REPOSITORY });
    let first = ada.send(document, json!({ "filter": filter })).await.ok()["versions"].clone();
    let after = &first["pageInfo"]["endCursor"];
    let second = ada.send(document, json!({ "filter": filter, "after": after })).await.ok();
    let all = ada.send(document, json!({ "filter": { "includeDeleted": true } })).await.ok();
    let found = "query($id: ID!) { node(id: $id) { ... on Version { gitTag deletedAt } } }";
    let found = ada.send(found, json!({ "id": gone })).await.ok();

    assert_eq!(first["totalCount"], 3);
    assert_eq!(first["nodes"], json!([{ "gitTag": "v3" }, { "gitTag": "v2" }]));
    assert_eq!(second["versions"]["nodes"], json!([{ "gitTag": "v1" }]));
    assert_eq!(second["versions"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(all["versions"]["totalCount"], 5);
    assert!(found["node"]["deletedAt"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn environments_and_applications_are_filtered_by_what_they_are() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    ada.create_environment("production").await;
    let mut idle = input("Environment", "idle");
    idle["isActive"] = json!(false);
    ada.try_create("Environment", idle).await.ok();
    ada.try_create("Environment", json!({ "name": "rack", "type": "PHYSICAL" })).await.ok();
    ada.create_application("api", json!({})).await;
    let mut worker = input("Application", "worker");
    worker["type"] = json!("worker");
    ada.try_create("Application", worker).await.ok();

    let document = "{
        active: environments(filter: { isActive: true, type: KUBERNETES }) { nodes { name } }
        idle: environments(filter: { isActive: false }) { nodes { name } }
        physical: environments(filter: { type: PHYSICAL }) { nodes { name namespace } }
        workers: applications(filter: { type: \"worker\" }) { nodes { name } }
        byName: applications(orderBy: { field: NAME, direction: ASC }) { nodes { name } }
    }";
    let shown = ada.send(document, json!({})).await.ok();

    assert_eq!(shown["active"]["nodes"], json!([{ "name": "production" }]));
    assert_eq!(shown["idle"]["nodes"], json!([{ "name": "idle" }]));
    assert_eq!(shown["physical"]["nodes"], json!([{ "name": "rack", "namespace": null }]));
    assert_eq!(shown["workers"]["nodes"], json!([{ "name": "worker" }]));
    assert_eq!(shown["byName"]["nodes"], json!([{ "name": "api" }, { "name": "worker" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acceptable_is_told_by_its_field() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let with = |kind: &str, field: &str, value: Value| {
        let mut input = input(kind, "v1");
        input[field] = value;
        input
    };

    for (kind, field, value, told) in [
        ("Version", "gitTag", json!("a b"), "input.gitTag"),
        ("Version", "gitCommit", json!("xyz"), "input.gitCommit"),
        ("Version", "repository", json!("https://u:p@host/a"), "input.repository"),
        ("Application", "name", json!("Api"), "input.name"),
        ("Application", "config", json!({ "port": 0 }), "input.config.port"),
        ("Application", "secrets", json!({ "A": 1 }), "input.secrets"),
        ("Environment", "name", json!("Prod"), "input.name"),
        ("Environment", "namespace", json!("a_b"), "input.namespace"),
        ("Environment", "namespace", json!("a".repeat(60)), "input.namespace"),
        ("Environment", "kubeconfig", json!("nonsense"), "input.kubeconfig"),
    ] {
        let refused = ada.try_create(kind, with(kind, field, value)).await;
        assert_eq!(refused.code(), "INVALID", "{kind} {field}");
        assert_eq!(refused.extension("field"), told, "{kind} {field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_that_could_run_a_program_is_refused_when_it_is_saved() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let environment = ada.create_environment("production").await;
    let evil = kubeconfig("https://prod.example.com:6443", "exec: { command: id }");

    let created = input_with_kubeconfig("staging", &evil);
    let created = ada.try_create("Environment", created).await;
    let updated = ada.update("Environment", &environment, json!({ "kubeconfig": evil })).await;

    assert_eq!((created.code(), updated.code()), ("INVALID", "INVALID"));
    assert_eq!(created.extension("field"), "input.kubeconfig");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_written_and_never_read_back() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let token = "s3cret-and-long-enough";
    let config = kubeconfig("https://prod.example.com:6443", &format!("token: {token}"));
    let reply = ada.try_create("Environment", input_with_kubeconfig("prod", &config)).await.ok();
    let environment = text(&reply["createEnvironment"]["environment"]["id"]);
    let mut application = input("Application", "api");
    application["secrets"] = json!({ "GIT_TOKEN": token, "API_KEY": token });
    let reply = ada.try_create("Application", application).await.ok();
    let application = text(&reply["createApplication"]["application"]["id"]);

    let document = "query($e: ID!, $a: ID!) {
        e: node(id: $e) { ... on Environment { kubeconfig { isSet fingerprint updatedAt } } }
        a: node(id: $a) { ... on Application { secrets { isSet fingerprint } } }
        events { nodes { data } } }";
    let ids = json!({ "e": environment, "a": application });
    let shown = ada.send(document, ids.clone()).await.ok();
    ada.update("Application", &application, json!({ "secrets": null })).await.ok();
    ada.update("Environment", &environment, json!({ "kubeconfig": null })).await.ok();
    let cleared = ada.send(document, ids).await.ok();

    assert_eq!(shown["e"]["kubeconfig"]["isSet"], true);
    assert_eq!(text(&shown["a"]["secrets"]["fingerprint"]).len(), 16);
    assert!(!shown.to_string().contains(token));
    assert_eq!(cleared["e"]["kubeconfig"]["isSet"], false);
    assert_eq!(cleared["a"]["secrets"]["isSet"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_live_deployment_uses_is_not_deleted() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let version = ada.create_version("v1").await;
    let application = ada.create_application("api", json!({ "image": "api:1" })).await;
    let environment = ada.create_environment("production").await;
    let deployment = ada.deploy(&version, &[&application], &environment, "ROLLING").await;
    let used = [("Version", version), ("Application", application), ("Environment", environment)];

    for (kind, id) in &used {
        assert_eq!(ada.delete(kind, id).await.code(), "CONFLICT", "{kind}");
    }
    app.run_tasks().await;
    for (kind, id) in &used {
        ada.delete(kind, id).await.ok();
    }

    let shown = ada.deployment(&deployment).await;
    assert_eq!(shown["version"]["gitTag"], "v1");
    assert_eq!(shown["environment"]["name"], "production");
}

/// What makes one of that name.
fn input(kind: &str, name: &str) -> Value {
    match kind {
        "Version" => {
            json!({ "gitTag": name, "gitCommit": "abc123def456", "repository": REPOSITORY })
        }
        "Application" => json!({
            "name": name, "repository": REPOSITORY, "type": "microservice", "config": {},
        }),
        _ => json!({ "name": name, "type": "KUBERNETES" }),
    }
}

fn input_with_kubeconfig(name: &str, kubeconfig: &str) -> Value {
    let mut input = input("Environment", name);
    input["kubeconfig"] = json!(kubeconfig);
    input
}

fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
         clusters: [{{ name: k, cluster: {{ server: \"{server}\" }} }}]\n\
         contexts: [{{ name: c, context: {{ cluster: k, user: u }} }}]\n\
         users: [{{ name: u, user: {{ {user} }} }}]\n"
    )
}
