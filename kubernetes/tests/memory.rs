//! What a pod costs who watches it. This stands alone, since all that the process allocates is
//! counted.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::time::Duration;

use domain::{
    commerce::ComputeSpec,
    ids::InstanceId,
    runtime::{Observation, Part, Place, Runtime, Target, Workload},
};
use futures::StreamExt;
use kube::Client;
use kubernetes::KubernetesRuntime;
use peak_alloc::PeakAlloc;
use serde_json::json;
use simulator::{Clock, Cluster};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MOST_BYTES: usize = 8 * 1024;

/// A cluster where so many instances have a pod each: of one in two the image cannot be pulled.
async fn with_pods(count: usize) -> (Cluster, KubernetesRuntime) {
    let cluster = Cluster::new(Clock::manual("2026-01-01T00:00:00Z".parse().unwrap()));
    let target = Target { name: "test".to_owned(), simulated: true };
    let runtime = KubernetesRuntime::new(Client::new(cluster.router(), "default"), target);
    for number in 0..count {
        let image = if number % 2 == 0 { "web" } else { "nopull" };
        let workload = workload(number, image);
        for part in Part::ALL {
            runtime.apply(&workload, *part).await.unwrap();
        }
    }
    cluster.advance(Duration::from_secs(60));
    (cluster, runtime)
}

fn workload(number: usize, image: &str) -> Workload {
    Workload {
        place: Place {
            namespace: "slipway-acme--instances".to_owned(),
            name: format!("web-{number}"),
            instance_id: InstanceId::fresh(),
        },
        spec: ComputeSpec {
            cpu_millis: 1,
            memory_mib: 1,
            gpu: None,
            image: format!("registry.example/{image}:1.0"),
            config: json!({ "env": { "MODE": "demo" } }),
        },
        replicas: 1,
        restart_token: None,
        secret: None,
        host: format!("web-{number}.slipway.localhost"),
    }
}

/// How many bytes a watch holds that has told all there is.
async fn held(count: usize) -> usize {
    let (_cluster, runtime) = with_pods(count).await;
    let before = MEMORY.current_usage();
    let mut watch = runtime.watch();
    loop {
        if let Some(Observation::Pods(pods)) = watch.next().await {
            assert_eq!(pods.len(), count);
            break;
        }
    }
    MEMORY.current_usage().saturating_sub(before)
}

#[tokio::test]
async fn a_watched_pod_costs_at_most_eight_kibibytes() {
    let (few, many) = (20, 120);

    let (least, most) = (held(few).await, held(many).await);

    let each = most.saturating_sub(least) / (many - few);
    eprintln!("{least} bytes for {few} pods, {most} for {many}: {each} for each");
    assert!(0 < each && each <= MOST_BYTES, "{each} bytes");
}
