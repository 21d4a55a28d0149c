use std::time::Duration;

use domain::{
    error::ErrorCode,
    runtime::{Part, Runtime},
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ResourceQuota, Service},
    networking::v1::Ingress,
};
use kube::{Api, api::PostParams};
use serde_json::json;
use simulator::{Calls, Fault};

use crate::bench::{Bench, workload};

#[tokio::test]
async fn what_is_applied_comes_to_run() {
    let bench = Bench::new();
    let web = workload("web");

    bench.apply(&web).await;
    let at_once = bench.rollout(&web).await;
    bench.advance(60);
    let later = bench.rollout(&web).await;

    assert!(!at_once.complete);
    assert!(later.complete, "{later:?}");
    assert_eq!((later.ready, later.wanted, later.trouble), (1, 1, None));
}

#[tokio::test]
async fn applying_again_changes_nothing() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    let versions = async || {
        [
            bench.namespace_version(&web).await.unwrap(),
            bench.version::<Deployment>(&web).await,
            bench.version::<Service>(&web).await,
            bench.version::<Ingress>(&web).await,
        ]
    };
    let before = versions().await;

    bench.stand(&web).await;

    assert_eq!(versions().await, before);
}

#[tokio::test]
async fn a_vanished_namespace_is_put_back() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    bench.delete_namespace(&web).await;
    bench.advance(60);
    assert!(bench.namespace_version(&web).await.is_err());

    bench.runtime.apply(&web, Part::Deployment).await.unwrap();

    assert!(bench.namespace_version(&web).await.is_ok());
    bench.stand(&web).await;
    assert!(bench.rollout(&web).await.complete);
}

#[tokio::test]
async fn a_terminating_namespace_is_to_be_waited_for() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    bench.delete_namespace(&web).await;

    let refusal = bench.runtime.apply(&workload("web"), Part::Service).await;

    assert_eq!(refusal.map_err(|error| error.code()), Err(ErrorCode::Unavailable));
}

#[tokio::test]
async fn a_quota_refuses_for_good() {
    let bench = Bench::new();
    let web = workload("web");
    bench.runtime.apply(&web, Part::Namespace).await.unwrap();
    let quotas = Api::<ResourceQuota>::namespaced(bench.client.clone(), &web.place.namespace);
    let none = serde_json::from_value(json!({
        "metadata": { "name": "none" },
        "spec": { "hard": { "count/deployments.apps": "0" } },
    }));
    quotas.create(&PostParams::default(), &none.unwrap()).await.unwrap();

    let refusal = bench.runtime.apply(&web, Part::Deployment).await.unwrap_err();

    assert_eq!(refusal.code(), ErrorCode::Forbidden);
    assert!(refusal.to_string().contains("exceeded quota: none"), "{refusal}");
}

#[tokio::test]
async fn a_name_that_kubernetes_refuses_is_invalid() {
    let bench = Bench::new();
    let mut web = workload("web");
    bench.runtime.apply(&web, Part::Namespace).await.unwrap();
    web.place.name = "Web".to_owned();

    let refusal = bench.runtime.apply(&web, Part::Service).await.unwrap_err();

    assert_eq!(refusal.code(), ErrorCode::Invalid);
    assert!(refusal.to_string().starts_with("metadata.name: "), "{refusal}");
}

/// How often the adapter tries.
const TRIES: usize = 4;

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_not_noticed() {
    let bench = Bench::new();
    let faults = [
        Fault::Status(500, None),
        Fault::Status(429, Some(Duration::from_secs(3))),
        Fault::LostAnswer,
    ];
    for fault in faults {
        bench.cluster.faults().fail_matching(Calls::of("patch"), TRIES - 1, fault.clone());

        let outcome = bench.runtime.apply(&workload("web"), Part::Namespace).await;

        assert!(outcome.is_ok(), "{fault:?}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_time_is_given_it() {
    let bench = Bench::new();
    let begun = tokio::time::Instant::now();
    let busy = Fault::Status(429, Some(Duration::from_secs(3)));
    bench.cluster.faults().fail_next(2, busy);

    bench.runtime.apply(&workload("web"), Part::Namespace).await.unwrap();

    assert_eq!(begun.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_fails_all_the_time_is_not_asked_for_ever() {
    let bench = Bench::new();
    bench.cluster.faults().fail_at_rate(1.0, 1, &[Fault::Status(503, None)]);

    let web = workload("web");
    let calls = (0..200).map(|_| bench.runtime.apply(&web, Part::Namespace));
    let outcomes = futures::future::join_all(calls).await;

    let tried = bench.cluster.accesses().into_iter().find(|(access, _)| access.verb == "patch");
    assert!(outcomes.iter().all(Result::is_err));
    assert!(tried.is_some_and(|(_, n)| n < 200 * 2), "each was tried again");
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_cluster_are_retryable_and_leave_nothing_double() {
    let bench = Bench::new();
    let web = workload("web");
    bench.runtime.apply(&web, Part::Namespace).await.unwrap();
    let faults = [
        Fault::Status(500, None),
        Fault::Status(503, None),
        Fault::Status(429, None),
        Fault::Timeout,
        Fault::LostAnswer,
    ];
    for fault in faults {
        bench.cluster.faults().fail_matching(Calls::of("patch"), TRIES, fault.clone());

        let outcome = bench.runtime.apply(&web, Part::Deployment).await;

        assert!(outcome.is_err_and(|error| error.retryable()), "{fault:?}");
    }

    bench.stand(&web).await;
    assert!(bench.rollout(&web).await.complete);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_never_answers_is_given_up() {
    let bench = Bench::new();
    bench.cluster.faults().fail_next(1, Fault::Silence);

    let outcome = bench.runtime.apply(&workload("web"), Part::Namespace).await;

    assert!(outcome.is_err_and(|error| error.retryable()));
}
