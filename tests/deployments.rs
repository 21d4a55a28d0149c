use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Shop, text};

fn tested() -> Value {
    json!({ "testCommand": "echo coverage: 83.4%", "coverageThreshold": 80, "replicas": 2 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_deployment_builds_tests_deploys_and_checks_two_applications() {
    let shop = Shop::open().await;
    let (api, web) = (
        shop.ada.create_application("api", tested()).await,
        shop.ada.create_application("web", json!({})).await,
    );

    let reply = shop
        .ada
        .create_deployment(&shop.versions[0], &[&api, &web], &shop.environment, "ROLLING")
        .await
        .ok()["createDeployment"]
        .clone();
    let deployment = text(&reply["deployment"]["id"]);
    shop.app.run_tasks().await;

    assert_eq!(reply["deployment"]["status"], "PENDING");
    assert_eq!(reply["deployment"]["errorMessage"], "");
    assert_eq!(reply["workflow"]["kind"], "rolling_deployment");
    let shown = shop.ada.deployment(&deployment).await;
    assert_eq!(shown["status"], "SUCCESS", "{shown:#}");
    assert!(shown["startedAt"].is_string() && shown["completedAt"].is_string());
    assert_eq!(
        shop.ada.progress(&deployment).await,
        [
            "build api SUCCESS",
            "test api SUCCESS",
            "deploy api SUCCESS",
            "health_check api SUCCESS",
            "build web SUCCESS",
            "test web SKIPPED",
            "deploy web SUCCESS",
            "health_check web SUCCESS",
        ]
    );
    let build = shop.ada.task_of(&deployment, "build api").await;
    let image = text(&build["result"]["image"]);
    assert!(image.contains("/api@sha256:"), "{image}");
    assert!(text(&build["log"]["text"]).contains(&image));
    assert_eq!(build["payload"]["config"]["dockerfile"], "Dockerfile");
    let test = shop.ada.task_of(&deployment, "test api").await;
    assert_eq!(test["result"], json!({ "exitCode": 0, "coverage": 83.4 }));
    assert_eq!(shop.image("api-blue").await, image);
    assert_eq!(
        shop.standing().await,
        ["Deployment api-blue", "Deployment web-blue", "Service api", "Service web"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_application_has_a_chain_of_tasks_with_their_configs() {
    let shop = Shop::open().await;
    let config = json!({
        "testCommand": "make test", "coverageThreshold": 80, "replicas": 3, "maxUnavailable": 1,
        "healthCheck": { "path": "/healthz", "expectedStatus": 204, "timeoutSeconds": 30 },
    });
    let api = shop.ada.create_application("api", config).await;
    let web = shop.ada.create_application("web", json!({})).await;
    let health = |target: Value| {
        let mut config = json!({
            "endpoint": "/healthz", "expected_status": 204, "interval": 2, "timeout": 30,
        });
        if !target.is_null() {
            config["target"] = target;
        }
        config
    };
    let build = json!({ "dockerfile": "Dockerfile", "context": "." });
    let rolling = [
        ("build", build.clone()),
        ("test", json!({ "test_command": "make test", "coverage_threshold": 80.0 })),
        ("deploy", json!({ "strategy": "rolling-update", "replicas": 3, "max_unavailable": 1 })),
        ("health_check", health(Value::Null)),
    ];
    let blue_green = [
        ("build", build),
        ("deploy_green", json!({ "environment": "green", "replicas": 3, "slot": "green" })),
        ("health_check", health(json!("green"))),
        ("switch_traffic", json!({ "from": "blue", "to": "green" })),
        ("cleanup_blue", json!({ "delay": 300, "slot": "blue" })),
    ];

    for (strategy, chain) in [("ROLLING", &rolling[..]), ("BLUE_GREEN", &blue_green[..])] {
        let deployment = shop.deploy(1, &[&api, &web], strategy).await;
        let document = "query($id: ID!) { node(id: $id) { ... on Deployment {
            tasks(first: 100) { nodes { name type payload dependsOn { name } } } } } }";
        let shown = shop.ada.send(document, json!({ "id": deployment })).await.ok();
        let tasks = shown["node"]["tasks"]["nodes"].as_array().unwrap();
        let task = |name: &str| tasks.iter().find(|task| task["name"] == name).expect(name);
        for application in ["api", "web"] {
            for (at, (step, _)) in chain.iter().enumerate() {
                let before = at.checked_sub(1).map(|at| format!("{} {application}", chain[at].0));
                let before: Vec<_> = before.iter().map(|name| json!({ "name": name })).collect();
                assert_eq!(task(&format!("{step} {application}"))["dependsOn"], json!(before));
            }
        }
        for (step, mut config) in chain.iter().cloned() {
            let task = task(&format!("{step} api"));
            if step == "build" {
                let tags = task["payload"]["config"]["tags"].as_array().unwrap();
                assert!(text(&tags[0]).ends_with("/api:v1"), "{tags:?}");
                config["tags"] = json!(tags);
            }
            assert_eq!((&task["type"], &task["payload"]["config"]), (&json!(step), &config));
        }
        shop.ada.cancel_deployment(&deployment).await.ok();
        shop.app.run_tasks().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_with_an_image_builds_nothing() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "image": "api:1" })).await;

    let deployment = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    assert_eq!(
        shop.ada.progress(&deployment).await,
        ["build api SKIPPED", "test api SKIPPED", "deploy api SUCCESS", "health_check api SUCCESS"]
    );
    assert_eq!(shop.image("api-blue").await, "api:1");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_built_once_for_a_version_and_used_in_another_environment() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({})).await;
    let staging = shop.ada.create_environment("staging").await;
    let first = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    let second = shop.ada.deploy(&shop.versions[0], &[&api], &staging, "ROLLING").await;
    shop.app.run_tasks().await;
    shop.ada.update("Application", &api, json!({ "config": { "context": "api" } })).await.ok();
    let third = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    let built = |task: &Value| text(&task["status"]);
    assert_eq!(built(&shop.ada.task_of(&first, "build api").await), "SUCCESS");
    assert_eq!(built(&shop.ada.task_of(&second, "build api").await), "SKIPPED");
    assert_eq!(shop.status(&second).await, "SUCCESS");
    let ran = async |of: &str| shop.ada.task_of(of, "deploy api").await["result"]["image"].clone();
    assert_eq!(ran(&first).await, ran(&second).await);
    assert_eq!(built(&shop.ada.task_of(&third, "build api").await), "SUCCESS");
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_and_green_change_their_parts_and_blue_goes_after_its_delay() {
    let shop = Shop::open().await;
    let config = json!({ "cleanupDelaySeconds": 120 });
    let api = shop.ada.create_application("api", config.clone()).await;
    let web = shop.ada.create_application("web", config).await;
    let first = shop.deploy(1, &[&api, &web], "BLUE_GREEN").await;
    shop.app.run_tasks().await;
    assert_eq!(shop.status(&first).await, "SUCCESS");
    assert_eq!(
        (shop.routed("api").await, shop.routed("web").await),
        ("green".into(), "green".into())
    );

    let second = shop.deploy(2, &[&api, &web], "BLUE_GREEN").await;
    shop.run_until(&second, "cleanup_blue api", "blue is removed at").await;
    shop.run_until(&second, "cleanup_blue web", "blue is removed at").await;
    let shop = Shop { app: shop.app.restarted().await, ..shop };
    shop.app.advance(Duration::from_secs(100));
    while shop.app.control_plane.run_next_task().await.unwrap() {}

    assert_eq!(shop.routed("api").await, "blue");
    assert_eq!(
        shop.standing().await,
        [
            "Deployment api-blue",
            "Deployment api-green",
            "Deployment web-blue",
            "Deployment web-green",
            "Service api",
            "Service web",
        ]
    );
    shop.app.run_tasks().await;
    assert_eq!(shop.status(&second).await, "SUCCESS");
    assert_eq!(
        shop.ada.progress(&second).await[..5],
        [
            "build api SUCCESS",
            "deploy_green api SUCCESS",
            "health_check api SUCCESS",
            "switch_traffic api SUCCESS",
            "cleanup_blue api SUCCESS",
        ]
    );
    assert_eq!(
        shop.standing().await,
        ["Deployment api-blue", "Deployment web-blue", "Service api", "Service web"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_reached_by_ssh_is_built_with_the_applications_key() {
    let shop = Shop::open().await;
    let repository = "ssh://git@git.example.com/acme/shop";
    let version = json!({ "gitTag": "v3", "gitCommit": "abc123def456", "repository": repository });
    let version = shop.ada.try_create("Version", version).await.ok();
    let version = text(&version["createVersion"]["version"]["id"]);
    let api = shop.ada.create_application("api", json!({})).await;
    let deployment = shop.ada.deploy(&version, &[&api], &shop.environment, "ROLLING").await;
    shop.app.run_tasks().await;
    let without = shop.ada.deployment(&deployment).await;

    let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nYWJj\n-----END OPENSSH PRIVATE KEY-----\n";
    let secrets = json!({ "secrets": { "GIT_SSH_KEY": key } });
    shop.ada.update("Application", &api, secrets).await.ok();
    let build = shop.ada.task_of(&deployment, "build api").await;
    shop.ada.retry_task(&text(&build["id"])).await.ok();
    shop.app.run_tasks().await;

    assert_eq!(
        without["errorMessage"],
        "build api: the repository is reached by ssh, and the application has no secret GIT_SSH_KEY"
    );
    assert_eq!(shop.status(&deployment).await, "SUCCESS");
    let build = shop.ada.task_of(&deployment, "build api").await;
    assert!(text(&build["log"]["text"]).contains(repository), "{build:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_of_one_application_to_one_environment_go_one_by_one() {
    let shop = Shop::open().await;
    let (api, web, jobs) = (
        shop.ada.create_application("api", json!({ "image": "api:1" })).await,
        shop.ada.create_application("web", json!({ "image": "web:1" })).await,
        shop.ada.create_application("jobs", json!({ "image": "jobs:1" })).await,
    );
    let first = shop.deploy(1, &[&api], "ROLLING").await;
    let both = shop.deploy(2, &[&web, &api], "ROLLING").await;
    let behind = shop.deploy(2, &[&web], "ROLLING").await;
    let beside = shop.deploy(1, &[&jobs], "ROLLING").await;

    let place = async |deployment: &str| {
        let shown = shop.ada.deployment(deployment).await["workflow"].clone();
        (shown["queuePosition"].clone(), text(&shown["blockedBy"]["id"]))
    };
    let workflow = async |of: &str| text(&shop.ada.deployment(of).await["workflow"]["id"]);
    assert_eq!(place(&first).await.0, 0);
    assert_eq!(place(&both).await, (json!(1), workflow(&first).await));
    assert_eq!(place(&behind).await, (json!(1), workflow(&both).await));
    assert_eq!(place(&beside).await.0, 0);

    shop.app.run_tasks().await;
    let mut started = Vec::new();
    for deployment in [&first, &both, &behind, &beside] {
        let shown = shop.ada.deployment(deployment).await;
        assert_eq!(shown["status"], "SUCCESS");
        started.push((text(&shown["startedAt"]), text(&shown["completedAt"])));
    }
    assert!(started[0].1 <= started[1].0, "{started:?}");
    assert!(started[1].1 <= started[2].0, "{started:?}");
    assert!(started[3].0 < started[0].1, "{started:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_waits_for_all_its_lanes_also_where_one_before_it_is_cancelled() {
    let shop = Shop::open().await;
    let (api, web) = (
        shop.ada.create_application("api", json!({ "image": "api:1" })).await,
        shop.ada.create_application("web", json!({ "image": "web:1" })).await,
    );
    let first = shop.deploy(1, &[&api], "ROLLING").await;
    let both = shop.deploy(1, &[&api, &web], "ROLLING").await;
    let behind = shop.deploy(2, &[&web], "ROLLING").await;

    let cancelled = shop.ada.cancel_deployment(&both).await.ok();

    let cancelled = &cancelled["cancelDeployment"]["deployment"];
    assert_eq!(cancelled["status"], "FAILED");
    assert_eq!(cancelled["errorMessage"], "Deployment cancelled by user");
    let shown = shop.ada.deployment(&behind).await;
    assert_eq!(shown["workflow"]["queuePosition"], 0);
    shop.app.run_tasks().await;
    assert_eq!(shop.status(&first).await, "SUCCESS");
    assert_eq!(shop.status(&behind).await, "SUCCESS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_goes_to_the_last_success_before_and_builds_nothing() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({})).await;
    let first = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;
    let old = shop.image("api-blue").await;
    assert_eq!(shop.ada.rollback_deployment(&first, None).await.code(), "CONFLICT");
    let second = shop.deploy(2, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    let reply = shop.ada.rollback_deployment(&second, None).await.ok();
    let rollback = reply["rollbackDeployment"]["deployment"].clone();
    shop.app.run_tasks().await;

    assert_eq!(rollback["version"]["gitTag"], "v1");
    assert_eq!(rollback["rollbackOf"]["id"], json!(second));
    let rollback = text(&rollback["id"]);
    assert_eq!(shop.ada.task_of(&rollback, "build api").await["status"], "SKIPPED");
    assert_eq!(shop.status(&rollback).await, "SUCCESS");
    assert_eq!(shop.image("api-blue").await, old);
    let reply = shop.ada.rollback_deployment(&rollback, Some(&shop.versions[1])).await.ok();
    assert_eq!(reply["rollbackDeployment"]["deployment"]["version"]["gitTag"], "v2");
    shop.app.run_tasks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_runs_what_ran_then_whatever_the_application_is_by_now() {
    for (then, now) in [
        (json!({ "image": "api:1" }), json!({ "image": "api:2" })),
        (json!({ "context": "old" }), json!({ "context": "new" })),
    ] {
        for strategy in ["ROLLING", "BLUE_GREEN"] {
            let shop = Shop::open().await;
            let api = shop.ada.create_application("api", then.clone()).await;
            let web = shop.ada.create_application("web", json!({})).await;
            shop.deploy(1, &[&api, &web], strategy).await;
            shop.app.run_tasks().await;
            let running =
                async |name: &str| shop.image(&format!("{name}-{}", shop.routed(name).await)).await;
            let old = (running("api").await, running("web").await);
            shop.ada.update("Application", &api, json!({ "config": now })).await.ok();
            let second = shop.deploy(2, &[&api, &web], strategy).await;
            shop.app.run_tasks().await;
            assert_ne!((running("api").await, running("web").await), old);

            let reply = shop.ada.rollback_deployment(&second, None).await.ok();
            shop.app.run_tasks().await;

            let rollback = text(&reply["rollbackDeployment"]["deployment"]["id"]);
            assert_eq!(shop.status(&rollback).await, "SUCCESS");
            for build in ["build api", "build web"] {
                assert_eq!(shop.ada.task_of(&rollback, build).await["status"], "SKIPPED");
            }
            assert_eq!((running("api").await, running("web").await), old, "{strategy}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_is_idle_or_physical_takes_no_deployment() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "image": "api:1" })).await;
    let rack = json!({ "name": "rack", "type": "PHYSICAL" });
    let rack = shop.ada.try_create("Environment", rack).await.ok();
    let rack = text(&rack["createEnvironment"]["environment"]["id"]);
    let idle = json!({ "isActive": false });
    shop.ada.update("Environment", &shop.environment, idle).await.ok();

    for (environment, why) in [
        (&shop.environment, "environment production is not active"),
        (&rack, "environment rack is PHYSICAL: only KUBERNETES takes deployments"),
    ] {
        let version = &shop.versions[0];
        let refused = shop.ada.create_deployment(version, &[&api], environment, "ROLLING").await;
        assert_eq!(refused.error(), format!("CONFLICT: {why}"));
    }
}
