//! How each recording is played: what was there before, and when time passed.

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::callers;
use crate::{
    replay::{Played, Replay},
    support::{TestCluster, deployment_of},
};

/// The recording of that number, which is played once.
pub async fn played(number: u8) -> &'static Played {
    static PLAYED: [OnceCell<Played>; 18] = [const { OnceCell::const_new() }; 18];
    PLAYED[usize::from(number)].get_or_init(|| play(number)).await
}

async fn play(number: u8) -> Played {
    let replay = match number {
        1 => discovery().await,
        2 => namespaces().await,
        3 => apply().await,
        4 => rollout().await,
        5 => scale().await,
        6 => rolling_update().await,
        7 => failures().await,
        8 => services().await,
        9 => stateful_set().await,
        10 => quota().await,
        11 => jobs().await,
        12 => lists().await,
        13 => deletes().await,
        14 => callers::recording().await,
        15 => patches().await,
        16 => contents().await,
        17 => tables().await,
        _ => panic!("there is no recording {number}"),
    };
    replay.finish()
}

async fn discovery() -> Replay {
    let mut replay = Replay::in_its_namespaces("01-discovery").await;
    replay.in_parts = true;
    replay.to(11).await;
    replay.in_parts = false;
    replay.to(21).await;
    replay
}

async fn namespaces() -> Replay {
    let mut replay = Replay::of("02-namespaces");
    replay.to(13).await;
    replay.wait(3.0);
    replay.to(16).await;
    replay.wait(3.0);
    replay.hear();
    replay.to(20).await;
    replay
}

async fn apply() -> Replay {
    let mut replay = Replay::in_its_namespaces("03-server-side-apply").await;
    for (number, seconds) in [(3, 5.0), (8, 5.0), (12, 5.0), (15, 0.07), (16, 5.0), (17, 5.0)] {
        replay.to(number).await;
        replay.wait(seconds);
    }
    replay.to(40).await;
    replay
}

async fn rollout() -> Replay {
    let mut replay = Replay::in_its_namespaces("04-deployment-rollout").await;
    replay.to(9).await;
    replay.wait(5.0);
    replay.hear();
    replay.to(15).await;
    replay
}

async fn scale() -> Replay {
    let mut replay = Replay::in_its_namespaces("05-scale-and-restart").await;
    for number in [1, 7, 10] {
        replay.to(number).await;
        replay.wait(5.0);
    }
    replay.to(11).await;
    replay.hear();
    for number in 13..=15 {
        replay.to(number).await;
        replay.wait(5.0);
    }
    replay.apply_like(18).await;
    replay.wait(5.0);
    for (number, seconds) in [(18, 0.07), (19, 5.0), (24, 5.0), (29, 5.0)] {
        replay.to(number).await;
        replay.wait(seconds);
    }
    replay.hear();
    replay.to(30).await;
    replay
}

async fn rolling_update() -> Replay {
    let mut replay = Replay::in_its_namespaces("06-rolling-update").await;
    replay.to(1).await;
    replay.wait(5.0);
    replay.to(6).await;
    replay.wait(20.0);
    replay.hear();
    replay.to(10).await;
    replay.wait(10.0);
    replay.to(11).await;
    replay.hear();
    replay.to(12).await;
    replay.wait(10.0);
    replay.to(14).await;
    replay
}

async fn failures() -> Replay {
    let mut replay = Replay::in_its_namespaces("07-failures").await;
    let capacity = json!({"cpu": "32", "memory": "128Gi", "pods": "110"});
    let status = json!({"allocatable": capacity, "capacity": capacity});
    replay.test.make("/api/v1/nodes", "node-3", json!({"status": status})).await;
    replay.to(3).await;
    for (name, image, more) in failing() {
        let mut object = deployment_of(name, image, 1);
        object["spec"]["progressDeadlineSeconds"] = json!(5);
        let spec = &mut object["spec"]["template"]["spec"];
        for (field, value) in more.as_object().into_iter().flatten() {
            if let Value::Object(parts) = value
                && field == "container"
            {
                for (part, value) in parts {
                    spec["containers"][0][part] = value.clone();
                }
            } else {
                spec[field] = value.clone();
            }
        }
        replay.test.make("/apis/apps/v1/namespaces/ns-107/deployments", name, object).await;
    }
    replay.wait(6.5);
    replay.to(28).await;
    replay
}

/// Names, images and peculiarities of the Deployments that were made besides.
fn failing() -> [(&'static str, &'static str, Value); 7] {
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080}, "initialDelaySeconds": 5});
    let memory = json!({"limits": {"memory": "64Mi"}});
    let secret = json!([{"name": "s", "secret": {"secretName": "absent"}}]);
    let mount = json!([{"name": "s", "mountPath": "/s"}]);
    let reference = json!([{"configMapRef": {"name": "absent"}}]);
    [
        ("nopull", "reg.io/nopull:1.0", json!({})),
        (
            "gpu",
            "reg.io/train:1.0",
            json!({"container": {
                "resources": {"limits": {"nvidia.com/gpu": "9"}},
            }}),
        ),
        ("nonode", "reg.io/web:1.0", json!({"nodeSelector": {"shop.io/pool": "none"}})),
        ("noconfig", "reg.io/web:1.0", json!({"container": {"envFrom": reference}})),
        (
            "nosecret",
            "reg.io/web:1.0",
            json!({
                "container": {"volumeMounts": mount}, "volumes": secret,
            }),
        ),
        ("notready", "reg.io/notready:1.0", json!({"container": {"readinessProbe": probe}})),
        (
            "oom",
            "reg.io/oom:1.0",
            json!({
                "container": {"readinessProbe": probe, "resources": memory},
            }),
        ),
    ]
}

async fn services() -> Replay {
    let mut replay = Replay::in_its_namespaces("08-services-and-ingress").await;
    for (color, replicas) in [("blue", 2), ("green", 1)] {
        let name = format!("web-{color}");
        let mut object = deployment_of("web", "reg.io/web:1.0", replicas);
        let spec = &mut object["spec"];
        spec["selector"]["matchLabels"]["shop.io/color"] = json!(color);
        spec["template"]["metadata"]["labels"]["shop.io/color"] = json!(color);
        let port = json!([{"name": "http", "containerPort": 8080}]);
        spec["template"]["spec"]["containers"][0]["ports"] = port;
        replay.test.make("/apis/apps/v1/namespaces/ns-108/deployments", &name, object).await;
    }
    replay.to(1).await;
    replay.wait(5.0);
    for number in 2..=10 {
        replay.to(number).await;
        replay.wait(1.0);
    }
    for color in ["blue", "green"] {
        let path = format!("/apis/apps/v1/namespaces/ns-108/deployments/web-{color}");
        let none = json!({"spec": {"replicas": 0}});
        replay.test.merge(&path, none).await.ok();
    }
    replay.wait(3.0);
    replay.hear();
    replay.to(17).await;
    replay.wait(2.0);
    replay.to(21).await;
    replay
}

async fn stateful_set() -> Replay {
    let mut replay = Replay::in_its_namespaces("09-statefulset").await;
    replay.to(6).await;
    replay.wait(20.0);
    replay.to(12).await;
    replay.wait(5.0);
    replay.hear();
    replay.to(18).await;
    replay.wait(5.0);
    replay.to(21).await;
    replay.wait(1.0);
    replay.hear();
    replay.to(22).await;
    replay
}

async fn quota() -> Replay {
    let mut replay = Replay::in_its_namespaces("10-quota-and-limits").await;
    replay.to(8).await;
    replay.wait(4.0);
    replay.hear();
    replay.to(21).await;
    replay
}

async fn jobs() -> Replay {
    let mut replay = Replay::in_its_namespaces("11-jobs").await;
    replay.to(4).await;
    replay.wait(0.5);
    replay.skip_to(5);
    let pods = replay.test.get("/api/v1/namespaces/ns-111/pods").await.ok();
    replay.rename("migrate-kmbhn", &pods["items"][0]["metadata"]["name"]);
    replay.to(6).await;
    replay.wait(20.0);
    replay.hear();
    replay.to(15).await;
    replay.wait(10.0);
    replay.hear();
    replay.to(18).await;
    replay.wait(10.0);
    replay.hear();
    replay.to(24).await;
    replay
}

async fn lists() -> Replay {
    let mut replay = Replay::in_its_namespaces("12-list-and-watch").await;
    let path = "/api/v1/namespaces/ns-112/configmaps";
    let make = async |test: &TestCluster, index: usize, labels: Value| {
        let content = json!({"metadata": {"labels": labels}, "data": {"i": index.to_string()}});
        test.make(path, &format!("cm-{index}"), content).await;
    };
    for index in 0..7 {
        let parity = if index % 2 == 0 { "even" } else { "odd" };
        make(&replay.test, index, json!({"shop.io/set": "seven", "shop.io/parity": parity})).await;
    }
    replay.to(8).await;
    let runs = json!({"metadata": {"labels": {"shop.io/app": "runs", "shop.io/unit": "u88"}}, "spec": {
        "containers": [{"name": "app", "image": "reg.io/web:1.0"}],
    }});
    replay.test.make("/api/v1/namespaces/ns-112/pods", "runs", runs).await;
    replay.wait(3.0);
    replay.to(15).await;
    make(&replay.test, 7, json!({})).await;
    replay.to(22).await;
    replay.exact = true;
    let change = json!({"data": {"i": "zero"}});
    replay.test.merge(&format!("{path}/cm-0"), change).await.ok();
    replay.hear();
    replay.to(28).await;
    replay.wait(8.0);
    replay.hear();
    replay.to(31).await;
    replay.hear();
    replay.test.cluster.faults().expire_watches();
    replay.to(33).await;
    replay.wait(5.0);
    replay.hear();
    replay.to(34).await;
    make(&replay.test, 9, json!({})).await;
    replay.test.cluster.faults().expire_watches();
    replay.to(37).await;
    replay
}

async fn deletes() -> Replay {
    let mut replay = Replay::in_its_namespaces("13-delete").await;
    for name in ["fore", "back", "orph", "deft"] {
        let object = deployment_of(name, "reg.io/web:1.0", 1);
        replay.test.make("/apis/apps/v1/namespaces/ns-113/deployments", name, object).await;
    }
    for index in 0..3 {
        let content = json!({
            "metadata": {"labels": {"shop.io/set": "a"}}, "data": {"i": index.to_string()},
        });
        let path = "/api/v1/namespaces/ns-113/configmaps";
        replay.test.make(path, &format!("c-{index}"), content).await;
    }
    replay.wait(5.0);
    for number in [5, 6] {
        replay.to(number).await;
        replay.wait(5.0);
    }
    replay.hear();
    replay.to(11).await;
    replay.wait(5.0);
    replay.hear();
    replay.to(16).await;
    replay.learn_object("/api/v1/namespaces/ns-113/configmaps/c-0", 20).await;
    replay.to(23).await;
    let finalizers = json!({"labels": {"shop.io/set": "fin"}, "finalizers": ["shop.io/drain"]});
    let content = json!({"metadata": finalizers, "data": {"k": "v"}});
    replay.test.make("/api/v1/namespaces/ns-113/configmaps", "fin", content).await;
    replay.to(31).await;
    for name in ["p1", "p2", "p3"] {
        let labels = json!({"shop.io/app": name, "shop.io/unit": "u88"});
        let spec = json!({"containers": [{"name": "app", "image": "reg.io/web:1.0"}]});
        let content = json!({"metadata": {"labels": labels}, "spec": spec});
        replay.test.make("/api/v1/namespaces/ns-113/pods", name, content).await;
    }
    replay.wait(5.0);
    replay.hear();
    replay.to(36).await;
    replay.wait(5.0);
    replay
}

async fn patches() -> Replay {
    let mut replay = Replay::in_its_namespaces("15-concurrency-and-patches").await;
    for (number, seconds) in [(27, 5.0), (28, 0.2), (30, 0.2), (32, 5.0)] {
        replay.to(number).await;
        replay.wait(seconds);
    }
    replay.to(37).await;
    let spec = json!({"containers": [{"name": "app", "image": "reg.io/web:1.0"}]});
    let path = "/api/v1/namespaces/ns-115/pods";
    replay.test.make(path, "fixed", json!({"spec": spec})).await;
    replay.to(39).await;
    replay
}

async fn contents() -> Replay {
    let mut replay = Replay::in_its_namespaces("16-config-secrets-logs").await;
    let path = "/api/v1/namespaces/ns-116/pods";
    let container = |name: &str, image: &str| json!({"name": name, "image": image});
    for (name, containers, selector) in [
        ("two", json!([container("app", "web:1"), container("side", "side:1")]), json!({})),
        ("boom", json!([container("app", "crash:1")]), json!({})),
        ("waits", json!([container("app", "web:1")]), json!({"shop.io/pool": "none"})),
    ] {
        let spec = json!({"containers": containers, "nodeSelector": selector});
        replay.test.make(path, name, json!({"spec": spec})).await;
    }
    replay.wait(30.0);
    let mounts = json!({"containers": [container("app", "web:1")]});
    replay.test.make(path, "mounts", json!({"spec": mounts})).await;
    replay.wait(0.2);
    replay.to(22).await;
    replay.skip_to(23);
    replay.to(34).await;
    replay
}

async fn tables() -> Replay {
    let mut replay = Replay::in_its_namespaces("17-tables-and-metadata").await;
    for (name, replicas) in [("web", 2), ("crash", 1), ("nopull", 1)] {
        let object = deployment_of(name, &format!("reg.io/{name}:1.0"), replicas);
        replay.test.make("/apis/apps/v1/namespaces/ns-117/deployments", name, object).await;
    }
    replay.wait(5.5);
    replay.exact = true;
    replay.to(9).await;
    replay.hear();
    replay.to(10).await;
    replay.hear();
    replay
}
