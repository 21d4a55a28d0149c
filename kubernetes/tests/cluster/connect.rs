use std::{fs, path::Path};

use domain::{
    error::ErrorCode,
    runtime::{Part, Runtime, Target},
};
use kubernetes::{KubernetesRuntime, connect};
use serde_json::json;
use tokio::net::TcpListener;

use crate::bench::{Bench, workload};

#[tokio::test]
async fn a_kubeconfig_leads_to_its_cluster() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, bench.cluster.router()).into_future());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let context = json!({ "cluster": "here", "user": "me" });
    let kubeconfig = json!({
        "current-context": "here",
        "clusters": [{ "name": "here", "cluster": { "server": server } }],
        "contexts": [{ "name": "here", "context": context }],
        "users": [{ "name": "me", "user": { "token": "t" } }],
    });
    fs::write(&path, kubeconfig.to_string()).unwrap();

    let client = connect::kubeconfig(&path).await.unwrap();
    let target = Target { name: "here".to_owned(), simulated: false };
    let runtime = KubernetesRuntime::new(client, target);
    let web = workload("web");
    for part in Part::ALL {
        runtime.apply(&web, *part).await.unwrap();
    }
    bench.advance(60);

    assert!(runtime.rollout(&web.place).await.unwrap().unwrap().complete);
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_is_named() {
    let error = connect::kubeconfig(Path::new("/no/such/file")).await.err().unwrap();

    assert_eq!(error.code(), ErrorCode::Internal);
    assert_eq!(error.to_string(), "the kubeconfig /no/such/file cannot be used");
}
