use http::Request;
use serde_json::{Value, json};

use super::{Images, Slipway, slipway::until};

fn pod(shown: &Value) -> String {
    shown["pods"][0]["name"].as_str().unwrap().to_owned()
}

fn is_ready(shown: &Value) -> bool {
    shown["status"] == "RUNNING" && shown["pods"][0]["ready"] == true
}

pub async fn lives(slipway: &Slipway, images: &Images) {
    let id = slipway.buy(&images.good, "web").await;

    let running = slipway.until(&id, "running", is_ready).await;
    let pods = "{ instances { nodes { pods { namespace log(tail: 10) } } } }";
    let pods = slipway.ada.send(pods, json!({})).await.ok()["instances"]["nodes"][0].clone();
    slipway.command("stopInstance", &id, "STOPPED", 0).await;
    let started = slipway.command("startInstance", &id, "RUNNING", 1).await;
    let restarted = slipway.command("restartInstance", &id, "RUNNING", 1).await;
    slipway.ada.update_instance(&id, json!({ "memoryMib": 160 })).await.ok();
    let is_new = |shown: &Value| is_ready(shown) && pod(shown) != pod(&restarted);
    slipway.until(&id, "updated", is_new).await;
    slipway.command("deleteInstance", &id, "DELETED", 0).await;

    assert!(running["whyNotRunning"].is_null(), "{running}");
    assert_eq!(pods["pods"][0]["namespace"], slipway.instances());
    assert!(pods["pods"][0]["log"].is_string(), "{pods}");
    assert_ne!(pod(&running), pod(&started));
    assert_ne!(pod(&started), pod(&restarted));
}

pub async fn says_why_it_does_not_run(slipway: &Slipway, images: &Images) {
    for (image, code) in [(&images.crashing, "CRASH_LOOP"), (&images.missing, "IMAGE_PULL")] {
        let id = slipway.buy(image, "broken").await;

        let says = |shown: &Value| shown["whyNotRunning"]["code"] == code;
        slipway.until(&id, code, says).await;

        slipway.command("deleteInstance", &id, "DELETED", 0).await;
    }
}

/// What somebody else does to an object of the instance.
async fn call(slipway: &Slipway, method: &str, path: &str, body: &Value) {
    let form = match method {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", form)
        .body(body.to_string().into_bytes());
    slipway.cluster.request::<Value>(request.unwrap()).await.unwrap();
}

pub async fn is_mended(slipway: &Slipway, images: &Images) {
    let id = slipway.buy(&images.good, "web").await;
    slipway.until(&id, "running", is_ready).await;
    let namespace = slipway.instances();
    let deployment = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
    let service = format!("/api/v1/namespaces/{namespace}/services/web");
    let ingress = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/web");
    let others = [
        (&deployment, "PATCH", json!({ "spec": { "replicas": 3 } })),
        (&service, "PATCH", json!({ "spec": { "selector": { "narrower": "yes" } } })),
        (&ingress, "DELETE", json!({})),
    ];

    for (path, method, change) in others {
        let spec = async || {
            let request = Request::get(path).body(Vec::new()).unwrap();
            let found = slipway.cluster.request::<Value>(request).await;
            found.map(|mut object| object["spec"].take()).map_err(|error| error.to_string())
        };
        let before = spec().await.unwrap();
        call(slipway, method, path, &change).await;
        let look = async || match spec().await {
            Ok(spec) if spec == before => Ok(()),
            other => Err(format!("{other:?}")),
        };
        until("changed back", look).await;
        let rests = |shown: &Value| shown["workflows"]["nodes"][0]["status"] == "SUCCESS";
        let shown = slipway.until(&id, "at rest", rests).await;

        assert_eq!(shown["workflows"]["nodes"][0]["kind"], "reconcile_instance", "{shown}");
    }
    slipway.command("deleteInstance", &id, "DELETED", 0).await;
}
