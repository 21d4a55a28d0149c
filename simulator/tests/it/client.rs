//! The cluster behind a `kube::Client`.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;
use simulator::{Clock, Cluster};

use crate::support::deployment;

fn manual() -> (Cluster, Client) {
    let cluster = Cluster::new(Clock::manual("2026-01-01T00:00:00Z".parse().unwrap()));
    let client = Client::new(cluster.router(), "default");
    (cluster, client)
}

#[tokio::test]
async fn applies_scales_reads_and_deletes() {
    let (cluster, client) = manual();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());

    let params = PatchParams::apply("slipway").force();
    let web = Patch::Apply(deployment("web", "web:1", 2));
    deployments.patch("web", &params, &web).await.unwrap();
    cluster.advance(Duration::from_secs(2));
    let ready = deployments.get("web").await.unwrap();
    let list = pods.list(&ListParams::default().labels("app=web")).await.unwrap();
    let name = list.items[0].metadata.name.clone().unwrap();
    let log = pods.logs(&name, &LogParams::default()).await.unwrap();
    let scale = Patch::Merge(json!({"spec": {"replicas": 1}}));
    let scale = deployments.patch_scale("web", &PatchParams::default(), &scale).await.unwrap();
    deployments.delete("web", &DeleteParams::default()).await.unwrap();
    let gone = deployments.get_opt("web").await.unwrap();

    assert_eq!(ready.status.unwrap().available_replicas, Some(2));
    assert_eq!(list.items.len(), 2);
    assert!(log.contains("listening on port 8080"));
    assert_eq!(scale.spec.unwrap().replicas, Some(1));
    assert!(gone.is_none());
    let client_version = client.apiserver_version().await.unwrap();
    assert_eq!(client_version.major, "1");
}

#[tokio::test]
async fn watchers_follow_by_list_and_by_stream() {
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let (cluster, client) = manual();
        let maps: Api<ConfigMap> = Api::namespaced(client, "default");
        let made = |name: &str| -> ConfigMap {
            serde_json::from_value(json!({"metadata": {"name": name, "labels": {"set": "a"}}}))
                .unwrap()
        };
        maps.create(&PostParams::default(), &made("one")).await.unwrap();
        let stream = watcher(maps.clone(), config.labels("set=a")).applied_objects();
        let mut stream = std::pin::pin!(stream);

        let first = stream.try_next().await.unwrap().unwrap();
        cluster.faults().expire_watches();
        maps.create(&PostParams::default(), &made("two")).await.unwrap();
        let mut names = vec![first.metadata.name.unwrap()];
        while !names.contains(&"two".to_owned()) {
            let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.unwrap();
            names.extend(next.unwrap().ok().and_then(|map| map.metadata.name));
        }

        assert_eq!(names[0], "one");
    }
}

#[tokio::test]
async fn a_cluster_on_the_systems_clock_moves_by_itself() {
    let cluster = Cluster::new(Clock::system());
    tokio::spawn(cluster.run());
    let client = Client::new(cluster.router(), "default");
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let namespaces: Api<Namespace> = Api::all(client);

    let web: Deployment = serde_json::from_value(deployment("web", "web:1", 1)).unwrap();
    deployments.create(&PostParams::default(), &web).await.unwrap();
    let config = watcher::Config::default().fields("metadata.name=web");
    let stream = watcher(deployments, config).applied_objects();
    let ready = stream.try_filter(|web| {
        let ready = web.status.as_ref().and_then(|status| status.ready_replicas) == Some(1);
        std::future::ready(ready)
    });
    let mut ready = std::pin::pin!(ready);
    let limit = Duration::from_secs(10);
    let found = tokio::time::timeout(limit, ready.try_next()).await.unwrap().unwrap();

    assert!(found.is_some());
    assert_eq!(namespaces.list(&ListParams::default()).await.unwrap().items.len(), 2);
}
