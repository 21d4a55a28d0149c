use std::{future::Future, time::Duration};

use domain::runtime::{Observation, ObservedWorkload, Owner, Part, Pod, Runtime, Workload};
use futures::{Stream, StreamExt, stream::BoxStream};
use k8s_openapi::api::{apps::v1::Deployment, core::v1};
use kube::{Api, api::PostParams};
use serde_json::json;
use simulator::{Access, Calls, Fault};

use crate::bench::{Bench, workload};

/// The stream up to the first observation that is looked for.
async fn until<T>(
    watch: &mut BoxStream<'static, Observation>,
    look: impl Fn(&Observation) -> Option<T>,
) -> T {
    let found = async {
        loop {
            let observation = watch.next().await.expect("a watch never ends");
            if let Some(found) = look(&observation) {
                return found;
            }
        }
    };
    soon(found).await
}

async fn soon<T>(something: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), something).await.expect("it comes soon")
}

async fn next(watch: &mut (impl Stream<Item = Observation> + Unpin)) -> Observation {
    soon(watch.next()).await.expect("a watch never ends")
}

/// The observations that a session begins with.
async fn beginning(
    watch: &mut (impl Stream<Item = Observation> + Unpin),
) -> (Vec<ObservedWorkload>, Vec<Pod>) {
    assert_eq!(next(watch).await, Observation::Connected);
    let Observation::Workloads(workloads) = next(watch).await else { panic!("no workloads") };
    let Observation::Objects(_) = next(watch).await else { panic!("no objects") };
    let Observation::Pods(pods) = next(watch).await else { panic!("no pods") };
    (workloads, pods)
}

fn disconnected(observation: &Observation) -> Option<()> {
    (*observation == Observation::Disconnected).then_some(())
}

/// A watch that has told of the workload that stands, so that it is open.
async fn live(bench: &Bench) -> (BoxStream<'static, Observation>, Workload) {
    let mut watch = bench.runtime.watch();
    beginning(&mut watch).await;
    let web = workload("web");
    bench.stand(&web).await;
    let ready = |seen: &Observation| matches!(seen, Observation::Pod(pod) if pod.ready);
    until(&mut watch, |seen| ready(seen).then_some(())).await;
    (watch, web)
}

#[tokio::test]
async fn it_begins_with_what_there_is() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;

    let (workloads, pods) = beginning(&mut bench.runtime.watch()).await;

    assert_eq!(workloads.len(), 1);
    assert_eq!(workloads[0].owner, Owner::Instance(web.place.instance_id));
    assert_eq!((workloads[0].ready_replicas, workloads[0].total_replicas), (1, 1));
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].owner, Owner::Instance(web.place.instance_id));
    assert!(pods[0].ready && pods[0].node.is_some() && pods[0].ip.is_some(), "{pods:?}");
}

#[tokio::test]
async fn it_tells_changes_as_they_come() {
    let bench = Bench::new();
    let mut watch = bench.runtime.watch();
    assert_eq!(beginning(&mut watch).await, (vec![], vec![]));
    let web = workload("web");

    bench.stand(&web).await;
    let pod = until(&mut watch, |observation| match observation {
        Observation::Pod(pod) if pod.ready => Some(pod.clone()),
        _ => None,
    });
    let pod = pod.await;
    bench.delete_deployment(&web).await;
    bench.advance(60);
    let (mut workload_gone, mut pod_gone) = (None, None);
    while workload_gone.is_none() || pod_gone.is_none() {
        match next(&mut watch).await {
            Observation::WorkloadGone(id) => workload_gone = Some(id),
            Observation::PodGone(pod) => pod_gone = Some(pod.uid),
            _ => {}
        }
    }

    assert_eq!(workload_gone, Some(Owner::Instance(web.place.instance_id)));
    assert_eq!(pod_gone, Some(pod.uid));
}

#[tokio::test]
async fn it_tells_why_a_pod_fails() {
    let bench = Bench::new();
    let mut watch = bench.runtime.watch();
    beginning(&mut watch).await;

    bench.stand(&workload("oom")).await;

    let pod = until(&mut watch, |observation| match observation {
        Observation::Pod(pod) if pod.restarts > 0 && pod.message.is_some() => Some(pod.clone()),
        _ => None,
    });
    let pod = pod.await;
    assert_eq!(pod.last_termination.as_deref(), Some("OOMKilled"));
}

#[tokio::test]
async fn it_tells_what_holds_up_a_pod_that_has_been_on_its_way_for_long() {
    let bench = Bench::new();
    let web = workload("web");
    bench.runtime.apply(&web, Part::Namespace).await.unwrap();
    let pod = serde_json::from_value(json!({
        "metadata": { "name": "web", "labels": {
            "app.kubernetes.io/managed-by": "slipway",
            "slipway.io/instance": web.place.instance_id.to_string(),
        } },
        "spec": {
            "containers": [{ "name": "app", "image": "web:1" }],
            "volumes": [{ "name": "keys", "secret": { "secretName": "absent" } }],
        },
    }));
    let pods = Api::<v1::Pod>::namespaced(bench.client.clone(), &web.place.namespace);
    pods.create(&PostParams::default(), &pod.unwrap()).await.unwrap();
    bench.advance(60);

    let (_, pods) = beginning(&mut bench.runtime.watch()).await;

    assert_eq!(pods[0].reason.as_deref(), Some("ContainerCreating"));
    assert!(pods[0].evidence[0].starts_with("event: FailedMount: "), "{pods:?}");
}

#[tokio::test]
async fn it_tells_what_is_said_later_of_a_pod_that_is_not_ready() {
    let bench = Bench::new();
    bench.stand(&workload("notready")).await;
    let mut watch = bench.runtime.watch();
    let (_, pods) = beginning(&mut watch).await;
    let pod = &pods[0];
    let warning = serde_json::from_value(json!({
        "metadata": { "name": "web.1" },
        "involvedObject": {
            "kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid,
        },
        "type": "Warning",
        "reason": "Unhealthy",
        "message": "Readiness probe failed: 503",
    }));

    let events = Api::<v1::Event>::namespaced(bench.client.clone(), &pod.namespace);
    events.create(&PostParams::default(), &warning.unwrap()).await.unwrap();

    let told = until(&mut watch, |observation| match observation {
        Observation::Pod(pod) if !pod.evidence.is_empty() => Some(pod.evidence.clone()),
        _ => None,
    });
    assert_eq!(told.await, ["event: Unhealthy: Readiness probe failed: 503"]);
}

#[tokio::test]
async fn it_tells_of_which_revision_a_pod_is_and_how_many_endpoints_there_are() {
    let bench = Bench::new();
    let (mut watch, web) = live(&bench).await;

    bench.stand(&Workload { restart_token: Some("again".to_owned()), ..web }).await;

    let told = until(&mut watch, |observation| match observation {
        Observation::Pod(pod) => pod.revision.filter(|revision| *revision == 2),
        _ => None,
    });
    told.await;
    let (workloads, pods) = beginning(&mut bench.runtime.watch()).await;
    assert_eq!(workloads[0].ready_endpoints, Some(1));
    assert_eq!(pods[0].revision, Some(2));
}

#[tokio::test]
async fn it_is_blind_to_what_is_not_ours() {
    let bench = Bench::new();
    let labels = json!({ "app.kubernetes.io/managed-by": "slipway", "slipway.io/instance": "no" });
    let stray = serde_json::from_value(json!({
        "metadata": { "name": "stray", "labels": labels },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "app", "image": "stray" }] },
            },
        },
    }));
    let api = Api::<Deployment>::default_namespaced(bench.client.clone());
    api.create(&PostParams::default(), &stray.unwrap()).await.unwrap();
    bench.advance(60);

    assert_eq!(beginning(&mut bench.runtime.watch()).await, (vec![], vec![]));
}

#[tokio::test]
async fn a_watch_that_ends_is_taken_up_where_it_stopped() {
    let bench = Bench::new();
    let (mut watch, web) = live(&bench).await;

    bench.cluster.faults().drop_watches();
    bench.stand(&Workload { replicas: 2, ..web }).await;

    let told = until(&mut watch, |observation| match observation {
        Observation::Workload(workload) => Some(workload.ready_replicas).filter(|it| *it == 2),
        Observation::Disconnected => panic!("nothing was lost"),
        _ => None,
    });
    told.await;
}

#[tokio::test]
async fn after_an_interruption_it_begins_anew() {
    let bench = Bench::new();
    let (mut watch, web) = live(&bench).await;

    bench.cluster.faults().fail_matching(Calls::of("list"), 1, Fault::Status(503, None));
    bench.cluster.faults().expire_watches();
    until(&mut watch, disconnected).await;
    bench.delete_deployment(&web).await;
    bench.advance(60);

    assert_eq!(beginning(&mut watch).await, (vec![], vec![]));
}

#[tokio::test]
async fn a_list_that_fails_is_tried_again_alone() {
    let bench = Bench::new();
    let calls = Calls::to("list", "pods");
    bench.cluster.faults().fail_matching(calls.clone(), 1, Fault::Status(503, None));
    bench.cluster.faults().fail_matching(calls, 1, Fault::LostAnswer);

    beginning(&mut bench.runtime.watch()).await;

    let accesses = bench.cluster.accesses();
    let lists = |of: &str| {
        let is_it = |access: &Access| access.verb == "list" && access.resource == of;
        accesses.iter().filter(|(access, _)| is_it(access)).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!((lists("pods"), lists("deployments")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_watch_keeps_to_itself_comes_with_the_next_lists() {
    let bench = Bench::new();
    let (mut watch, web) = live(&bench).await;

    bench.cluster.faults().lose_changes(1);
    bench.delete_deployment(&web).await;
    bench.advance(60);

    assert_eq!(beginning(&mut watch).await, (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_never_answered_is_given_up() {
    let bench = Bench::new();
    bench.cluster.faults().fail_matching(Calls::of("watch"), 1, Fault::Silence);
    let mut watch = bench.runtime.watch();

    beginning(&mut watch).await;
    until(&mut watch, |it| (*it == Observation::Disconnected).then_some(())).await;
    beginning(&mut watch).await;
}
