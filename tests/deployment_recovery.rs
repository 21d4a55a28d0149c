//! What a repetition, a failure or a cancellation at any task of a deployment leaves
//! behind, for both strategies. Before each, v1 stands; v2 is rolled out.

use std::time::Duration;

use domain::workflows::Claim;
use serde_json::{Value, json};
use simulator::{Calls, Fault};

use crate::{
    recovery::run_twice,
    support::{Shop, text},
};

const STRATEGIES: [&str; 2] = ["ROLLING", "BLUE_GREEN"];

/// The tasks that run, in their order.
fn tasks(strategy: &str) -> &'static [&'static str] {
    match strategy {
        "ROLLING" => &["build api", "test api", "deploy api", "health_check api"],
        _ => &[
            "build api",
            "deploy_green api",
            "health_check api",
            "switch_traffic api",
            "cleanup_blue api",
        ],
    }
}

fn config() -> Value {
    json!({ "testCommand": "true", "cleanupDelaySeconds": 5 })
}

/// A shop where v1 stands and v2 has been asked for, with the image of v1.
async fn scene(strategy: &str) -> (Shop, String, String) {
    let shop = Shop::open().await;
    let api = shop.ada.create_application("api", config()).await;
    let first = shop.deploy(1, &[&api], strategy).await;
    shop.app.run_tasks().await;
    let slot = shop.routed("api").await;
    let image = shop.image(&format!("api-{slot}")).await;
    assert_eq!(shop.status(&first).await, "SUCCESS");
    let deployment = shop.deploy(2, &[&api], strategy).await;
    (shop, deployment, image)
}

/// Runs until a worker holds a task of that name.
async fn held(shop: &Shop, task: &str) -> Claim {
    for _ in 0..2_000 {
        match shop.app.control_plane.claim_task().await.unwrap() {
            Some(claim) if claim.task.name == task => return claim,
            Some(claim) => shop.app.control_plane.run_claimed(claim).await.unwrap(),
            None => shop.app.advance(Duration::from_millis(250)),
        }
    }
    panic!("{task} never runs");
}

/// Nothing but one release is left in the cluster, with the traffic; answers with its image.
async fn what_is_left(shop: &Shop) -> String {
    let slot = shop.routed("api").await;
    let left = shop.standing().await;
    assert_eq!(left, [format!("Deployment api-{slot}"), "Service api".to_owned()]);
    shop.image(&format!("api-{slot}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_a_deployment_may_run_twice() {
    for strategy in STRATEGIES {
        let (shop, deployment, old) = scene(strategy).await;

        run_twice(&shop.app).await;

        assert_eq!(shop.status(&deployment).await, "SUCCESS", "{strategy}");
        assert_ne!(what_is_left(&shop).await, old, "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_fails_at_any_task_succeeds_when_it_is_tried_again() {
    for strategy in STRATEGIES {
        for task in tasks(strategy) {
            let (shop, deployment, old) = scene(strategy).await;
            let claim = held(&shop, task).await;
            shop.app.cluster.faults().fail_matching(Calls::any(), 1_000, Fault::Status(422, None));

            shop.app.control_plane.run_claimed(claim).await.unwrap();
            shop.app.run_tasks().await;
            shop.app.cluster.faults().clear();

            let shown = shop.ada.deployment(&deployment).await;
            assert_eq!(shown["status"], "FAILED", "{strategy} at {task}");
            assert_eq!(shown["failureReason"], "TASK_FAILED", "{strategy} at {task}");
            assert!(text(&shown["errorMessage"]).starts_with(task), "{strategy} at {task}");
            let failed = shop.ada.task_of(&deployment, task).await;
            assert_eq!(failed["status"], "FAILED", "{strategy} at {task}");
            shop.ada.retry_task(&text(&failed["id"])).await.ok();
            shop.app.run_tasks().await;
            let shown = shop.ada.deployment(&deployment).await;
            assert_eq!(shown["status"], "SUCCESS", "{strategy} after {task}: {shown:#}");
            assert_ne!(what_is_left(&shop).await, old, "{strategy} after {task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_cancelled_at_any_task_leaves_what_stood_before() {
    for strategy in STRATEGIES {
        for task in tasks(strategy) {
            let (shop, deployment, old) = scene(strategy).await;
            let claim = held(&shop, task).await;

            shop.ada.cancel_deployment(&deployment).await.ok();
            let told = shop.status(&deployment).await;
            shop.app.control_plane.run_claimed(claim).await.unwrap();
            shop.app.run_tasks().await;

            assert_eq!(told, "RUNNING", "{strategy} at {task}: not before it is taken back");
            is_cancelled(&shop, &deployment).await;
            assert_eq!(shop.ada.task_of(&deployment, task).await["status"], "CANCELED");
            assert_eq!(what_is_left(&shop).await, old, "{strategy} at {task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_cancelled_while_it_waits_leaves_what_stood_before() {
    for strategy in STRATEGIES {
        for task in tasks(strategy) {
            let (shop, deployment, old) = scene(strategy).await;
            let claim = held(&shop, task).await;
            shop.app.control_plane.run_claimed(claim).await.unwrap();
            if shop.status(&deployment).await != "RUNNING" {
                continue;
            }

            shop.ada.cancel_deployment(&deployment).await.ok();
            shop.app.run_tasks().await;

            is_cancelled(&shop, &deployment).await;
            assert_eq!(what_is_left(&shop).await, old, "{strategy} after {task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_that_takes_a_deployment_back_may_run_twice() {
    for strategy in STRATEGIES {
        let (shop, deployment, old) = scene(strategy).await;
        let last = tasks(strategy).last().unwrap();
        let claim = held(&shop, last).await;
        shop.ada.cancel_deployment(&deployment).await.ok();
        shop.app.control_plane.run_claimed(claim).await.unwrap();

        run_twice(&shop.app).await;

        is_cancelled(&shop, &deployment).await;
        assert_eq!(what_is_left(&shop).await, old, "{strategy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_that_is_cancelled_leaves_nothing() {
    for strategy in STRATEGIES {
        for task in tasks(strategy) {
            let shop = Shop::open().await;
            let api = shop.ada.create_application("api", config()).await;
            let deployment = shop.deploy(1, &[&api], strategy).await;
            let claim = held(&shop, task).await;
            shop.ada.cancel_deployment(&deployment).await.ok();
            shop.app.control_plane.run_claimed(claim).await.unwrap();
            shop.app.run_tasks().await;

            is_cancelled(&shop, &deployment).await;
            assert_eq!(shop.app.standing().await, Vec::<String>::new(), "{strategy} at {task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blue_has_the_traffic_again_at_once_while_it_still_runs() {
    let (shop, deployment, old) = scene("BLUE_GREEN").await;
    shop.run_until(&deployment, "cleanup_blue api", "blue is removed at").await;
    let green = shop.routed("api").await;

    shop.ada.cancel_deployment(&deployment).await.ok();
    while shop.routed("api").await == green {
        assert!(shop.app.control_plane.run_next_task().await.unwrap(), "no waiting for anything");
    }
    shop.app.run_tasks().await;

    is_cancelled(&shop, &deployment).await;
    assert_eq!(what_is_left(&shop).await, old);
}

async fn is_cancelled(shop: &Shop, deployment: &str) {
    let shown = shop.ada.deployment(deployment).await;
    assert_eq!(shown["status"], "FAILED", "{shown:#}");
    assert_eq!(shown["failureReason"], "CANCELED_BY_USER");
    assert_eq!(shown["errorMessage"], "Deployment cancelled by user");
    let live = |task: &&Value| ["PENDING", "RUNNING"].contains(&task["status"].as_str().unwrap());
    let tasks = shown["tasks"]["nodes"].as_array().unwrap().iter();
    assert_eq!(tasks.filter(live).count(), 0, "{shown:#}");
}
