use std::time::Duration;

use domain::{
    delivery::{JobState, JobWork, Place, Secrets},
    error::ErrorCode,
    ids::{DeploymentId, EnvironmentId},
};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{ResourceQuota, Secret},
};
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use serde_json::json;
use simulator::{Calls, Fault};

use super::yard::{NAMESPACE, Yard, secrets};

#[tokio::test]
async fn a_build_ends_with_the_digest_and_leaves_its_log() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile");

    yard.start(&build).await;
    let at_once = yard.state(&build).await;
    yard.advance(30);

    let Some(JobState::Succeeded { output: Some(digest) }) = yard.state(&build).await else {
        panic!("{:?}", yard.state(&build).await)
    };
    assert_eq!(at_once, Some(JobState::Running { trouble: None }));
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    let log = yard.log(&build).await;
    let context = "https://git.example/acme/api.git#4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    assert_eq!(log[0], format!("#1 [internal] load git source {context}:services/api"));
    assert!(
        log.contains(&format!(
            "#6 pushing manifest for registry.example/acme/api:v1@{digest} done"
        ))
    );
}

#[tokio::test]
async fn a_build_that_fails_says_why() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile.fail");

    yard.start(&build).await;
    yard.advance(30);

    let Some(JobState::Failed { exit_code, trouble }) = yard.state(&build).await else { panic!() };
    assert_eq!((exit_code, trouble.reason.as_str()), (Some(1), "Error"));
    assert!(trouble.message.contains("error: failed to solve: process"), "{}", trouble.message);
}

#[tokio::test]
async fn a_test_ends_with_its_code_and_has_its_environment() {
    let yard = Yard::new().await;
    let test = yard.test("echo $GREETING; echo coverage: 87.5%; exit 3");

    yard.start(&test).await;
    yard.advance(30);

    let Some(JobState::Failed { exit_code, .. }) = yard.state(&test).await else { panic!() };
    assert_eq!(exit_code, Some(3));
    assert_eq!(yard.log(&test).await, ["hello", "coverage: 87.5%"]);
    assert_eq!(yard.names("v1", "Pod").await.len(), 1, "it is not tried again");
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_ended() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile.forever");

    yard.start(&build).await;
    yard.advance(60);
    let meanwhile = yard.state(&build).await;
    yard.advance(90);

    let Some(JobState::Failed { trouble, .. }) = yard.state(&build).await else { panic!() };
    assert_eq!(meanwhile, Some(JobState::Running { trouble: None }));
    assert_eq!(trouble.reason, "DeadlineExceeded");
}

#[tokio::test]
async fn a_job_that_cannot_begin_says_why() {
    let yard = Yard::new().await;
    let mut test = yard.test("true");
    let JobWork::Test { image, .. } = &mut test.work else { panic!() };
    *image = "registry.example/nopull:1".to_owned();

    yard.start(&test).await;
    yard.advance(5);

    let Some(JobState::Running { trouble }) = yard.state(&test).await else { panic!() };
    assert_eq!(trouble.unwrap().reason, "ImagePullBackOff");
}

#[tokio::test]
async fn a_job_that_gets_no_pod_says_why() {
    let yard = Yard::new().await;
    yard.start(&yard.test("true")).await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "none" },
        "spec": { "hard": { "pods": "0" } },
    });
    let quotas = Api::<ResourceQuota>::namespaced(yard.client.clone(), NAMESPACE);
    let quota = serde_json::from_value(quota).unwrap();
    quotas.create(&PostParams::default(), &quota).await.unwrap();
    let build = yard.build("Dockerfile");

    yard.start(&build).await;
    yard.advance(5);

    let Some(JobState::Running { trouble }) = yard.state(&build).await else { panic!() };
    let trouble = trouble.unwrap();
    assert_eq!(trouble.reason, "FailedCreate");
    assert!(trouble.message.contains("exceeded quota"), "{}", trouble.message);
}

#[tokio::test]
async fn starting_again_changes_nothing_even_by_another_builder() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile");
    yard.site.start_job(&build, &secrets()).await.unwrap();
    yard.advance(30);
    let versions = async || {
        let (jobs, secrets) = (yard.all("batch/v1", "Job").await, yard.all("v1", "Secret").await);
        let version = |(name, it): (String, serde_json::Value)| {
            (name, it["metadata"]["resourceVersion"].clone())
        };
        jobs.into_iter().chain(secrets).map(version).collect::<Vec<_>>()
    };
    let before = versions().await;

    yard.site.start_job(&build, &secrets()).await.unwrap();
    yard.site.start_job(&yard.build("Dockerfile.other"), &secrets()).await.unwrap();

    assert_eq!(versions().await, before);
}

#[tokio::test]
async fn credentials_are_in_secrets_that_go_with_the_job_and_nowhere_else() {
    let yard = Yard::new().await;
    let (build, test) = (yard.build("Dockerfile"), yard.test("echo $TOKEN"));

    yard.site.start_job(&build, &secrets()).await.unwrap();
    yard.site.start_job(&test, &secrets()).await.unwrap();
    yard.advance(30);

    let held = yard.names("v1", "Secret").await;
    assert_eq!(held, ["build-api-1", "test-api-1", "test-api-1-registry"]);
    let shown = [yard.all("batch/v1", "Job").await, yard.all("v1", "Pod").await];
    let shown = format!("{}{:?}{:?}", json!(shown), yard.log(&build).await, yard.log(&test).await);
    for secret in ["git-p4ss", "robot-p4ss", "t0ken", "Z2l0LXA0c3M", "cm9ib3Q6cm9ib3QtcDRzcw"] {
        assert!(!shown.contains(secret), "{secret}");
    }

    let removed = async || yard.site.remove_jobs(&yard.place, yard.deployment).await.unwrap();
    assert!(removed().await, "they have ended: nobody waits for their pods");
    yard.advance(30);
    assert_eq!(yard.names("v1", "Secret").await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_removed_is_gone_with_its_pods_and_the_rest_stays() {
    let yard = Yard::new().await;
    let running = yard.build("Dockerfile.forever");
    yard.start(&running).await;
    let mut other = yard.test("true");
    other.deployment_id = DeploymentId::fresh();
    yard.start(&other).await;
    yard.advance(10);

    let removed = async || yard.site.remove_jobs(&yard.place, yard.deployment).await.unwrap();
    let at_once = removed().await;
    let state = yard.state(&running).await;
    yard.advance(60);

    assert_eq!((at_once, removed().await), (false, true));
    assert_eq!(state, None);
    assert_eq!(yard.names("batch/v1", "Job").await, ["test-api-1"]);
    assert_eq!(yard.names("v1", "Pod").await.len(), 1);
    let elsewhere = Place { environment_id: EnvironmentId::fresh(), ..yard.place.clone() };
    assert!(yard.site.remove_jobs(&elsewhere, other.deployment_id).await.unwrap());
    assert_eq!(yard.names("batch/v1", "Job").await.len(), 1);
}

#[tokio::test]
async fn a_name_is_waited_for_while_its_former_job_goes_and_refused_where_it_is_anothers() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile.forever");
    yard.start(&build).await;
    yard.advance(10);
    let mut stranger = yard.build("Dockerfile");
    stranger.place.environment_id = EnvironmentId::fresh();

    let refused = yard.site.start_job(&stranger, &Secrets::default()).await.unwrap_err();
    let jobs = Api::<Job>::namespaced(yard.client.clone(), NAMESPACE);
    jobs.delete("build-api-1", &DeleteParams::foreground()).await.unwrap();
    let going = yard.site.start_job(&build, &Secrets::default()).await;
    let state = yard.state(&build).await;
    yard.advance(60);
    let gone = yard.site.start_job(&build, &Secrets::default()).await;

    assert!(going.is_err_and(|error| error.retryable()));
    assert_eq!((state, gone.is_ok()), (None, true));

    assert_eq!(refused.code(), ErrorCode::Forbidden);
    assert_eq!(
        refused.to_string(),
        "Job build-api-1 in slipway-acme-prod is there already and is not api's"
    );
}

#[tokio::test]
async fn a_secret_of_somebody_else_is_in_the_way_and_stays() {
    let yard = Yard::new().await;
    yard.start(&yard.test("true")).await;
    let secrets_api = Api::<Secret>::namespaced(yard.client.clone(), NAMESPACE);
    let theirs = json!({ "metadata": { "name": "build-api-1" }, "data": { "a": "Yg==" } });
    let theirs = serde_json::from_value(theirs).unwrap();
    secrets_api.create(&PostParams::default(), &theirs).await.unwrap();

    let refused = yard.site.start_job(&yard.build("Dockerfile"), &secrets()).await;

    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Forbidden));
    assert_eq!(yard.names("batch/v1", "Job").await, ["test-api-1"]);
    assert_eq!(yard.all("v1", "Secret").await[0].1["data"], json!({ "a": "Yg==" }));
}

#[tokio::test]
async fn a_log_is_read_in_pieces_that_join() {
    let yard = Yard::new().await;
    let line = "x".repeat(1000);
    let lines: String = (0..150).map(|n| format!("echo {n} {line};")).collect();
    let test = yard.test(&lines);
    yard.start(&test).await;
    yard.advance(30);

    let mut pieces = Vec::new();
    let (mut after, mut is_whole) = (None, false);
    while !is_whole {
        let piece = yard.site.job_log(&test.name, after).await.unwrap();
        after = piece.lines.last().map(|line| line.position);
        is_whole = piece.is_whole;
        pieces.push(piece.lines);
    }

    let all: Vec<String> = pieces.iter().flatten().map(|line| line.text.clone()).collect();
    let expected: Vec<String> = (0..150).map(|n| format!("{n} {line}")).collect();
    assert_eq!(pieces.len(), 3);
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_log_that_breaks_off_says_that_it_is_not_whole() {
    let yard = Yard::new().await;
    let test = yard.test("echo one; echo two");
    yard.start(&test).await;
    yard.advance(30);
    yard.cluster.faults().fail_matching(Calls::to("get", "pods"), 1, Fault::LostAnswer);

    let broken = yard.site.job_log(&test.name, None).await.unwrap();
    let after = broken.lines.last().map(|line| line.position);
    let rest = yard.site.job_log(&test.name, after).await.unwrap();

    assert!(!broken.is_whole && rest.is_whole);
    let all = broken.lines.into_iter().chain(rest.lines).map(|line| line.text);
    assert_eq!(all.collect::<Vec<_>>(), ["one", "two"]);
}

#[tokio::test]
async fn what_is_not_there_has_no_state_and_no_log() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile");

    assert_eq!(yard.state(&build).await, None);
    assert_eq!(yard.log(&build).await, Vec::<String>::new());
    assert!(yard.site.remove_jobs(&yard.place, yard.deployment).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_cluster_leave_nothing_double() {
    let yard = Yard::new().await;
    let build = yard.build("Dockerfile");
    for fault in [
        Fault::LostAnswer,
        Fault::Status(429, Some(Duration::from_secs(2))),
        Fault::Status(503, None),
    ] {
        for verb in ["get", "patch", "list"] {
            yard.cluster.faults().fail_matching(Calls::of(verb), 2, fault.clone());
            yard.site.start_job(&build, &secrets()).await.unwrap();
            yard.site.job(&build.name).await.unwrap();
        }
        yard.cluster.faults().clear();
    }
    yard.cluster.faults().fail_matching(Calls::of("get"), 100, Fault::Status(503, None));
    let refused = yard.site.job(&build.name).await;
    yard.cluster.faults().clear();
    yard.advance(30);

    assert!(refused.is_err_and(|error| error.retryable()));
    assert!(matches!(yard.state(&build).await, Some(JobState::Succeeded { .. })));
    assert_eq!(yard.names("batch/v1", "Job").await.len(), 1);
    assert_eq!(yard.names("v1", "Pod").await.len(), 1);
}
