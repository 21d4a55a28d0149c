//! What a deployment that fails leaves behind, and how it goes on from there.

use serde_json::{Value, json};
use simulator::{Calls, Fault};

use crate::support::{Shop, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_build_or_test_fails_the_deployment_and_touches_nothing() {
    for (config, task, why) in [
        (json!({ "dockerfile": "fail.Dockerfile" }), "build api", "exit code"),
        (json!({ "testCommand": "exit 3" }), "test api", "exit code 3"),
        (
            json!({ "testCommand": "echo coverage: 70%", "coverageThreshold": 80 }),
            "test api",
            "coverage is 70 %, and 80 % are needed",
        ),
        (
            json!({ "testCommand": "true", "coverageThreshold": 80 }),
            "test api",
            "80 % of coverage are needed, and no line told it",
        ),
    ] {
        let shop = Shop::open().await;
        let api = shop.ada.create_application("api", config).await;

        let deployment = shop.deploy(1, &[&api], "ROLLING").await;
        shop.app.run_tasks().await;

        let shown = shop.ada.deployment(&deployment).await;
        assert_eq!(
            (&shown["status"], &shown["failureReason"]),
            (&json!("FAILED"), &json!("TASK_FAILED"))
        );
        let message = text(&shown["errorMessage"]);
        assert!(message.starts_with(task) && message.contains(why), "{message}");
        assert_eq!(shop.ada.task_of(&deployment, "deploy api").await["status"], "CANCELED");
        assert_eq!(shop.standing().await, Vec::<String>::new(), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_never_gets_ready_fails_at_its_deadline() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "image": "api-notready:1" })).await;

    let deployment = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    let shown = shop.ada.deployment(&deployment).await;
    assert_eq!((&shown["status"], &shown["failureReason"]), (&json!("FAILED"), &json!("TIMEOUT")));
    let message = text(&shown["errorMessage"]);
    assert!(message.contains("deadline of 5m passed: 0 of 1 replicas ready"), "{message}");
    assert_eq!(shop.standing().await, ["Deployment api-blue"], "what stands stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_health_check_on_green_leaves_blue_as_it_is() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "image": "api:1" })).await;
    shop.deploy(1, &[&api], "BLUE_GREEN").await;
    shop.app.run_tasks().await;
    let sick =
        json!({ "image": "api:2", "healthCheck": { "path": "/status/503", "timeoutSeconds": 20 } });
    shop.ada.update("Application", &api, json!({ "config": sick })).await.ok();

    let deployment = shop.deploy(2, &[&api], "BLUE_GREEN").await;
    shop.app.run_tasks().await;

    let shown = shop.ada.deployment(&deployment).await;
    assert_eq!((&shown["status"], &shown["failureReason"]), (&json!("FAILED"), &json!("TIMEOUT")));
    let message = text(&shown["errorMessage"]);
    assert!(message.contains("/status/503 answers with 503"), "{message}");
    assert_eq!(shop.routed("api").await, "green");
    assert_eq!(shop.image("api-green").await, "api:1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_deployment_goes_on_from_the_task_that_failed() {
    let shop = Shop::open().await;
    let config = |command: &str| json!({ "testCommand": command });
    let api = shop.ada.create_application("api", config("exit 1")).await;
    let deployment = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;
    shop.ada.update("Application", &api, json!({ "config": config("true") })).await.ok();

    let task = shop.ada.task_of(&deployment, "test api").await;
    let retried = shop.ada.retry_task(&text(&task["id"])).await.ok();
    let revived = shop.ada.deployment(&deployment).await;
    shop.app.run_tasks().await;

    assert_eq!(retried["retryTask"]["task"]["status"], "PENDING");
    assert_eq!((&revived["status"], &revived["errorMessage"]), (&json!("PENDING"), &json!("")));
    assert_eq!(shop.status(&deployment).await, "SUCCESS");
    let task = shop.ada.task_of(&deployment, "test api").await;
    let attempts = task["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["status"], "FAILED");
    assert_eq!(attempts.last().unwrap()["status"], "SUCCESS");
    assert_eq!(shop.ada.task_of(&deployment, "build api").await["attempt"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_deployment_that_another_has_followed_is_not_tried_again() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "testCommand": "exit 1" })).await;
    let first = shop.deploy(1, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;
    shop.deploy(2, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    let workflow = text(&shop.ada.deployment(&first).await["workflow"]["id"]);
    let refused = shop.ada.retry_failed_tasks(&workflow).await;

    assert_eq!(refused.code(), "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_stands_is_not_touched_by_one_that_fails() {
    let sick = json!({ "path": "/status/503", "timeoutSeconds": 20 });
    for (strategy, config, task) in [
        ("ROLLING", json!({ "dockerfile": "fail.Dockerfile" }), "build api"),
        ("BLUE_GREEN", json!({ "dockerfile": "fail.Dockerfile" }), "build api"),
        ("ROLLING", json!({ "testCommand": "exit 3" }), "test api"),
        ("ROLLING", json!({ "image": "api-notready:2" }), "deploy api"),
        ("BLUE_GREEN", json!({ "image": "api-notready:2" }), "deploy_green api"),
        ("BLUE_GREEN", json!({ "healthCheck": sick }), "health_check api"),
    ] {
        let shop = Shop::open().await;
        let api = shop.ada.create_application("api", json!({})).await;
        shop.deploy(1, &[&api], strategy).await;
        shop.app.run_tasks().await;
        let before = serving(&shop).await;
        shop.ada.update("Application", &api, json!({ "config": config })).await.ok();

        let deployment = shop.deploy(2, &[&api], strategy).await;
        shop.app.run_tasks().await;

        let message = text(&shop.ada.deployment(&deployment).await["errorMessage"]);
        assert!(message.starts_with(task), "{strategy} at {task}: {message}");
        assert_eq!(shop.status(&deployment).await, "FAILED", "{strategy} at {task}");
        assert_eq!(serving(&shop).await, before, "{strategy} at {task}");
        assert_eq!(of_kind(&shop, "Job").await, Vec::<String>::new(), "{strategy} at {task}");
    }
}

/// The images of the pods that get the traffic.
async fn serving(shop: &Shop) -> Vec<String> {
    let slot = shop.routed("api").await;
    let pods = shop.app.object("/api/v1/pods").await;
    let pods = pods["items"].as_array().unwrap().iter().filter(|pod| {
        let ready = |it: &Value| it["type"] == "Ready" && it["status"] == "True";
        pod["metadata"]["labels"]["slipway.io/slot"] == slot
            && pod["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(ready))
    });
    pods.map(|pod| text(&pod["spec"]["containers"][0]["image"])).collect()
}

async fn of_kind(shop: &Shop, kind: &str) -> Vec<String> {
    let mut standing = shop.standing().await;
    standing.retain(|it| it.starts_with(kind));
    standing
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_green_has_left_goes_with_the_next_rolling_deployment() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({ "image": "api:1" })).await;
    shop.deploy(1, &[&api], "BLUE_GREEN").await;
    shop.app.run_tasks().await;
    let sick = json!({ "image": "api-notready:2" });
    shop.ada.update("Application", &api, json!({ "config": sick })).await.ok();
    shop.deploy(2, &[&api], "BLUE_GREEN").await;
    shop.app.run_tasks().await;
    let left = of_kind(&shop, "Deployment").await;

    shop.ada.update("Application", &api, json!({ "config": { "image": "api:3" } })).await.ok();
    let deployment = shop.deploy(2, &[&api], "ROLLING").await;
    shop.app.run_tasks().await;

    assert_eq!(left, ["Deployment api-blue", "Deployment api-green"], "to be tried again");
    assert_eq!(shop.status(&deployment).await, "SUCCESS");
    assert_eq!(shop.standing().await, ["Deployment api-green", "Service api"]);
    assert_eq!(shop.image("api-green").await, "api:3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_that_is_tried_again_applies_what_the_application_is_by_then() {
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        let shop = Shop::open().await;
        let config = |replicas: i32| json!({ "image": "api-notready:1", "replicas": replicas });
        let api = shop.ada.create_application("api", config(1)).await;
        let deployment = shop.deploy(1, &[&api], strategy).await;
        shop.app.run_tasks().await;
        shop.ada.update("Application", &api, json!({ "config": config(3) })).await.ok();

        let (task, slot) = match strategy {
            "ROLLING" => ("deploy api", "blue"),
            _ => ("deploy_green api", "green"),
        };
        let failed = shop.ada.task_of(&deployment, task).await;
        shop.ada.retry_task(&text(&failed["id"])).await.ok();
        shop.run_until(&deployment, task, "of 3 replicas ready").await;

        let namespaces = shop.app.object("/apis/apps/v1/deployments").await;
        let standing = &namespaces["items"][0];
        assert_eq!(standing["metadata"]["name"], format!("api-{slot}"));
        assert_eq!(standing["spec"]["replicas"], 3, "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_breaks_off_is_read_on_before_its_job_goes() {
    let shop = Shop::open().await;
    let config = json!({ "testCommand": "echo coverage: 90%", "coverageThreshold": 80 });
    let api = shop.ada.create_application("api", config).await;
    let deployment = shop.deploy(1, &[&api], "ROLLING").await;
    shop.run_until(&deployment, "test api", "the Job runs").await;
    let reads = Calls::to("get", "pods");
    shop.app.cluster.faults().fail_matching(reads, 3, Fault::LostAnswer);

    shop.app.run_tasks().await;

    let test = shop.ada.task_of(&deployment, "test api").await;
    assert_eq!(test["result"], json!({ "exitCode": 0, "coverage": 90.0 }), "{test:#}");
    assert!(text(&test["log"]["text"]).contains("coverage: 90%\n"));
    assert_eq!(shop.status(&deployment).await, "SUCCESS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_holds_no_build_up_for_ever() {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", json!({})).await;
    let deployment = shop.deploy(1, &[&api], "ROLLING").await;
    shop.run_until(&deployment, "build api", "the Job runs").await;
    let reads = Calls::to("get", "pods");
    shop.app.cluster.faults().fail_matching(reads, 10_000, Fault::LostAnswer);

    shop.app.run_tasks().await;

    let build = shop.ada.task_of(&deployment, "build api").await;
    assert_eq!(build["status"], "SUCCESS", "{build:#}");
    assert!(text(&build["log"]["text"]).contains("the rest of the log could not be read\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_tried_again_is_not_deleted_meanwhile() {
    for _ in 0..8 {
        let shop = Shop::open().await;
        let sick = json!({ "image": "api:1", "healthCheck": { "path": "/status/503", "timeoutSeconds": 1 } });
        let api = shop.ada.create_application("api", sick).await;
        let deployment = shop.deploy(1, &[&api], "ROLLING").await;
        shop.app.run_tasks().await;
        let failed = text(&shop.ada.task_of(&deployment, "health_check api").await["id"]);

        let (retried, version, application) = tokio::join!(
            shop.ada.retry_task(&failed),
            shop.ada.delete("Version", &shop.versions[0]),
            shop.ada.delete("Application", &api),
        );

        let is_on_its_way = shop.status(&deployment).await == "PENDING";
        assert_eq!(retried.code() == "none", is_on_its_way);
        let deleted = [version.code(), application.code()].contains(&"none");
        assert!(!is_on_its_way || !deleted);
    }
}
