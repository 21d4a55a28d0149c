use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::runtime::{LogPosition, PodLogLine, PodName, Runtime};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::ListParams};

use crate::bench::{Bench, workload};

const RUN: [&str; 3] = [
    "app: starting registry.example/crash:1.0",
    "app: listening on port 8080",
    "app: fatal: giving up, exiting with code 1",
];

/// The pod of a workload that stands.
async fn pod(bench: &Bench, image: &str) -> PodName {
    let workload = workload(image);
    bench.apply(&workload).await;
    bench.advance(1);
    let pods = Api::<Pod>::namespaced(bench.client.clone(), &workload.place.namespace);
    let name = pods.list(&ListParams::default()).await.unwrap().items[0].name_any();
    PodName { namespace: workload.place.namespace, name }
}

/// What is told while the cluster's time and the adapter's go on together.
async fn told(
    bench: &Bench,
    pod: &PodName,
    after: Option<LogPosition>,
    seconds: u64,
) -> Vec<PodLogLine> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut log = bench.runtime.follow_log(pod, after);
    let seen = told.clone();
    let reader = tokio::spawn(async move {
        while let Some(line) = log.next().await {
            seen.lock().unwrap().push(line.unwrap());
        }
    });
    for _ in 0..seconds {
        bench.advance(1);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    reader.abort();
    told.lock().unwrap().clone()
}

fn texts(lines: &[PodLogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_line_is_told_once_across_restarts() {
    let bench = Bench::new();
    let pod = pod(&bench, "crash").await;

    let lines = told(&bench, &pod, None, 100).await;

    let runs: Vec<_> = lines.chunks(RUN.len()).map(texts).collect();
    assert!(runs.len() >= 4, "{runs:?}");
    assert!(runs.iter().all(|run| *run == RUN), "{runs:?}");
    assert!(lines.is_sorted_by_key(|line| line.position));
}

#[tokio::test(start_paused = true)]
async fn it_is_resumed_behind_any_line_that_the_cluster_still_has() {
    let bench = Bench::new();
    let pod = pod(&bench, "crash").await;
    let lines = told(&bench, &pod, None, 60).await;
    // While a container waits to be started again, only its last run is there.
    let kept = lines.len() - RUN.len();

    for place in kept..lines.len() {
        let rest = told(&bench, &pod, Some(lines[place].position), 1).await;
        assert_eq!(rest, lines[place + 1..], "behind line {place}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_a_container_and_ends_with_the_pod() {
    let bench = Bench::new();
    let web = workload("web");
    bench.apply(&web).await;
    let pods = Api::<Pod>::namespaced(bench.client.clone(), &web.place.namespace);
    let name = pods.list(&ListParams::default()).await.unwrap().items[0].name_any();
    let pod = PodName { namespace: web.place.namespace.clone(), name };

    let lines = told(&bench, &pod, None, 5).await;
    bench.runtime.remove(&web.place).await.unwrap();
    bench.advance(60);
    let end = bench.runtime.follow_log(&pod, None).next().await;

    assert_eq!(texts(&lines)[1], "app: listening on port 8080");
    assert!(end.is_none());
    assert_eq!(bench.runtime.log(&pod, 10).await.unwrap(), None);
}
