//! What a crash, a repetition or a failure at any point leaves behind, for each workflow.

use std::time::Duration;

use domain::workflows::Claim;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

/// How long what a creation took may stay taken after it has failed.
pub const FREE_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// The commands that start a workflow, and where they lead.
const COMMANDS: &[(&str, &str)] = &[
    ("stopInstance", "STOPPED"),
    ("startInstance", "RUNNING"),
    ("restartInstance", "RUNNING"),
    ("updateInstance", "RUNNING"),
    ("deleteInstance", "DELETED"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_a_creation_may_run_twice() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, instance, _) = ada.buy(&product, "web").await;

    run_twice(&app).await;

    assert_eq!(ada.order(&order).await["status"], "COMPLETED");
    assert_eq!(ada.instance(&instance).await["status"], "RUNNING");
    assert_eq!(count(&app, "Deployment").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_a_command_may_run_twice() {
    for (command, aim) in COMMANDS {
        let app = TestApp::new().await;
        let (ada, instance) = ready_for(&app, command).await;
        begin(&ada, command, &instance).await;

        run_twice(&app).await;

        assert_eq!(ada.instance(&instance).await["status"], *aim, "{command}");
        let expected = usize::from(*aim != "DELETED");
        assert_eq!(count(&app, "Deployment").await, expected, "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_survives_a_crash_after_each_task() {
    for survived in 0..5 {
        let app = TestApp::new().await;
        let (root, ada) = (app.admin().await, app.user("ada").await);
        let product = root.create_product("web:1").await;
        let (order, ..) = ada.buy(&product, "web").await;
        for _ in 0..survived {
            assert!(app.control_plane.run_next_task().await.unwrap());
        }

        let (app, lost) = crashed(app).await.unwrap();

        let ada = Client::new(app.routes.clone(), ada.token.as_deref());
        assert_eq!(ada.order(&order).await["status"], "COMPLETED", "after {lost}");
        assert_eq!(count(&app, "Deployment").await, 1, "after {lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_survives_a_crash_after_each_task() {
    for (command, aim) in COMMANDS {
        for survived in 0.. {
            let app = TestApp::new().await;
            let (ada, instance) = ready_for(&app, command).await;
            begin(&ada, command, &instance).await;
            for _ in 0..survived {
                app.control_plane.run_next_task().await.unwrap();
            }

            let Some((app, lost)) = crashed(app).await else {
                assert!(survived > 1, "{command} has tasks");
                break;
            };

            let ada = Client::new(app.routes.clone(), ada.token.as_deref());
            let told = format!("{command} after {lost}");
            assert_eq!(ada.instance(&instance).await["status"], *aim, "{told}");
            let expected = usize::from(*aim != "DELETED");
            assert_eq!(count(&app, "Deployment").await, expected, "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_that_fails_at_any_task_leaves_a_clean_slate() {
    let parts = [
        ("apply_namespace", "namespaces"),
        ("apply_deployment", "deployments"),
        ("apply_service", "services"),
        ("apply_ingress", "ingresses"),
    ];
    for (task, resource) in parts {
        let app = TestApp::new().await;
        let (root, ada) = (app.admin().await, app.user("ada").await);
        let product = root.create_product("web:1").await;
        let calls = simulator::Calls::to("patch", resource);
        app.cluster.faults().fail_matching(calls, 10_000, simulator::Fault::Status(422, None));
        let (order, instance, workflow) = ada.buy(&product, "web").await;

        app.run_tasks().await;

        app.cluster.faults().clear();
        let failed = failed_tasks(&ada, &workflow).await;
        assert_eq!(failed, [task], "it failed where it was meant to");
        assert!(undoing(&ada, &workflow).await <= FREE_AGAIN, "{task}");
        assert_eq!(app.standing().await, Vec::<String>::new(), "{task}");
        assert_eq!(ada.order(&order).await["refundDue"], true, "{task}");
        assert_eq!(ada.instance(&instance).await["status"], "FAILED", "{task}");
        ada.buy(&product, "web").await;
        app.run_tasks().await;
        assert_eq!(count(&app, "Deployment").await, 1, "the same name succeeds after {task}");
    }
}

/// A task, and the verb and resource of the call to the cluster that fails it.
type Failing = (&'static str, &'static str, &'static str);

/// The commands with where they lead and what each may fail at.
const FAILURES: &[(&str, &str, &[Failing])] = &[
    ("stopInstance", "STOPPED", ROLLED_OUT),
    ("restartInstance", "RUNNING", ROLLED_OUT),
    ("startInstance", "RUNNING", MENDED),
    ("updateInstance", "RUNNING", UPDATED),
];
const ROLLED_OUT: &[Failing] =
    &[("apply_deployment", "patch", "deployments"), ("await_rollout", "get", "deployments")];
const MENDED: &[Failing] = &[
    ("apply_namespace", "patch", "namespaces"),
    ("apply_deployment", "patch", "deployments"),
    ("apply_service", "patch", "services"),
    ("apply_ingress", "patch", "ingresses"),
    ("await_rollout", "get", "deployments"),
    ("remove_secret", "get", "secrets"),
];
const UPDATED: &[Failing] = &[
    ("apply_namespace", "patch", "namespaces"),
    ("apply_secret", "patch", "secrets"),
    ("apply_deployment", "patch", "deployments"),
    ("apply_service", "patch", "services"),
    ("apply_ingress", "patch", "ingresses"),
    ("await_rollout", "get", "deployments"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_at_any_task_is_carried_out_when_it_is_tried_again() {
    for (command, aim, failures) in FAILURES {
        for (task, verb, resource) in *failures {
            let app = TestApp::new().await;
            let (ada, instance) = ready_for(&app, command).await;
            let calls = simulator::Calls::to(verb, resource);
            app.cluster.faults().fail_matching(calls, 10_000, simulator::Fault::Status(422, None));
            let workflow = begin(&ada, command, &instance).await;

            app.run_tasks().await;

            app.cluster.faults().clear();
            let failed = failed_tasks(&ada, &workflow).await;
            assert_eq!(failed, [*task], "{command} failed where it was meant to");
            assert_eq!(ada.instance(&instance).await["status"], "FAILED", "{command} at {task}");
            ada.retry_failed_tasks(&workflow).await.ok();
            app.run_tasks().await;
            assert_eq!(ada.instance(&instance).await["status"], *aim, "{command} after {task}");
            assert_eq!(count(&app, "Deployment").await, 1, "{command} after {task}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_refused_at_any_task_is_tried_until_it_is_done() {
    for (verb, resource) in [("delete", "deployments"), ("delete", "services"), ("list", "pods")] {
        let app = TestApp::new().await;
        let (ada, instance) = running(&app).await;
        let calls = simulator::Calls::to(verb, resource);
        app.cluster.faults().fail_matching(calls, 5, simulator::Fault::Status(422, None));

        ada.command("deleteInstance", &instance).await.ok();
        app.run_tasks().await;

        assert_eq!(ada.instance(&instance).await["status"], "DELETED", "{verb} {resource}");
        assert_eq!(app.standing().await, Vec::<String>::new(), "{verb} {resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_of_a_compensation_may_run_twice() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let calls = simulator::Calls::to("patch", "ingresses");
    app.cluster.faults().fail_matching(calls, 10_000, simulator::Fault::Status(422, None));
    let (order, instance, _) = ada.buy(&product, "web").await;

    run_twice(&app).await;

    assert_eq!(app.standing().await, Vec::<String>::new());
    assert_eq!(ada.order(&order).await["refundDue"], true);
    assert_eq!(ada.instance(&instance).await["status"], "FAILED");
}

/// Gives a command; the workflow that it starts.
async fn begin(ada: &Client, command: &str, instance: &str) -> String {
    let data = match command {
        "updateInstance" => {
            let input = json!({ "image": "web:2", "secretConfig": { "TOKEN": "s3cret" } });
            ada.update_instance(instance, input).await.ok()
        }
        command => ada.command(command, instance).await.ok(),
    };
    data[command]["workflow"]["id"].as_str().unwrap().to_owned()
}

pub async fn failed_tasks(ada: &Client, workflow: &str) -> Vec<String> {
    let tasks = ada.workflow(workflow).await["tasks"].clone();
    let failed = tasks.as_array().unwrap().iter().filter(|task| task["status"] == "FAILED");
    failed.map(|task| task["name"].as_str().unwrap().to_owned()).collect()
}

/// How long it took from the failure of a workflow's task until all was undone and free again.
pub async fn undoing(ada: &Client, workflow: &str) -> SignedDuration {
    let document = "query($id: ID!) { node(id: $id) { ... on Workflow {
        completedAt tasks { status completedAt } } } }";
    let shown = ada.send(document, json!({ "id": workflow })).await.ok()["node"].clone();
    let end = |of: &Value| of["completedAt"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let mut tasks = shown["tasks"].as_array().unwrap().iter();
    let failed = tasks.find(|task| task["status"] == "FAILED").unwrap();
    end(&shown).duration_since(end(failed))
}

async fn running(app: &TestApp) -> (Client, String) {
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (_, instance, _) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    (ada, instance)
}

/// An instance of which a command can be given.
async fn ready_for(app: &TestApp, command: &str) -> (Client, String) {
    let (ada, instance) = running(app).await;
    if command == "startInstance" {
        ada.command("stopInstance", &instance).await.ok();
        app.run_tasks().await;
    }
    (ada, instance)
}

/// The worker dies with the next task in its hands, and another process does what is left; `None`
/// where no task is due.
async fn crashed(app: TestApp) -> Option<(TestApp, String)> {
    let lost = app.control_plane.claim_task().await.unwrap()?.task.name;
    let app = app.restarted().await;
    app.advance(Duration::from_secs(31));
    app.run_tasks().await;
    Some((app, lost))
}

/// Runs every task to its effect, loses the outcome, and runs it again.
pub async fn run_twice(app: &TestApp) {
    loop {
        let lost = claim_all(app).await;
        app.advance(Duration::from_secs(31));
        let again = claim_all(app).await;
        // The first workers do their work and find that they were deposed.
        for claim in lost.into_iter().chain(again) {
            app.control_plane.run_claimed(claim).await.unwrap();
        }
        if app.control_plane.next_task_due().await.unwrap().is_none() {
            return;
        }
        app.advance(Duration::from_millis(500));
    }
}

async fn claim_all(app: &TestApp) -> Vec<Claim> {
    let mut claims = Vec::new();
    while let Some(claim) = app.control_plane.claim_task().await.unwrap() {
        claims.push(claim);
    }
    claims
}

async fn count(app: &TestApp, kind: &str) -> usize {
    app.standing().await.iter().filter(|name| name.starts_with(&format!("{kind} "))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_comes_back_after_the_simulated_cluster_was_lost() {
    let app = TestApp::new().await;
    let (ada, instance) = running(&app).await;
    app.observe().await;
    let lost = simulator::Cluster::new(simulator::Clock::manual(app.cluster.now()));

    let app = app.moved_to(lost).await;
    app.observe().await;
    app.run_tasks().await;
    app.observe().await;

    let ada = Client::new(app.routes.clone(), ada.token.as_deref());
    let shown = ada.instance(&instance).await;
    assert_eq!(shown["runtime"]["readyReplicas"], json!(1));
    assert_eq!(count(&app, "Deployment").await, 1);
}
