use std::{fs, path::Path};

use domain::{
    error::ErrorCode,
    runtime::{Part, Runtime, Target},
};
use kubernetes::{KubernetesRuntime, connect};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    bench::{Bench, workload},
    tls::{Authority, Knows},
};

/// The adapter by way of a kubeconfig.
fn by_kubeconfig(cluster: &Value, user: &Value) -> KubernetesRuntime {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let context = json!({ "cluster": "here", "user": "me" });
    let kubeconfig = json!({
        "current-context": "here",
        "clusters": [{ "name": "here", "cluster": cluster }],
        "contexts": [{ "name": "here", "context": context }],
        "users": [{ "name": "me", "user": user }],
    });
    fs::write(&path, kubeconfig.to_string()).unwrap();
    let client = connect::kubeconfig(&path).unwrap();
    KubernetesRuntime::new(client, Target { name: "here".to_owned(), simulated: false })
}

async fn comes_to_run(bench: &Bench, runtime: &KubernetesRuntime) {
    let web = workload("web");
    for part in Part::ALL {
        runtime.apply(&web, *part).await.unwrap();
    }
    bench.advance(60);

    assert!(runtime.rollout(&web.place).await.unwrap().unwrap().complete);
}

#[tokio::test]
async fn a_kubeconfig_leads_to_its_cluster() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, bench.cluster.router()).into_future());

    let runtime = by_kubeconfig(&json!({ "server": server }), &json!({ "token": "t" }));

    comes_to_run(&bench, &runtime).await;
}

#[tokio::test]
async fn tls_with_a_token_or_a_client_certificate_leads_there_too() {
    for knows in [Knows::Tokens, Knows::Certificates] {
        let (bench, authority) = (Bench::new(), Authority::new());
        let address = authority.serve(bench.cluster.router(), knows).await;
        let server = format!("https://{address}");
        let cluster = json!({ "server": server, "certificate-authority-data": authority.data() });

        let runtime = by_kubeconfig(&cluster, &authority.user(knows));

        comes_to_run(&bench, &runtime).await;
    }
}

#[tokio::test]
async fn a_server_that_is_not_the_right_one_gets_nothing() {
    let (bench, authority) = (Bench::new(), Authority::new());
    let address = authority.serve(bench.cluster.router(), Knows::Tokens).await;
    let server = format!("https://{address}");
    let other = json!({ "server": server, "certificate-authority-data": Authority::new().data() });
    let right = json!({ "server": server, "certificate-authority-data": authority.data() });

    let impostor = by_kubeconfig(&other, &authority.user(Knows::Tokens));
    let stranger = by_kubeconfig(&right, &json!({ "token": "unknown" }));

    for runtime in [impostor, stranger] {
        let refused = runtime.apply(&workload("web"), Part::Namespace).await;
        assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Unavailable));
    }
}

#[tokio::test]
async fn a_kubeconfig_that_is_not_there_is_named() {
    let error = connect::kubeconfig(Path::new("/no/such/file")).err().unwrap();

    assert_eq!(error.code(), ErrorCode::Internal);
    assert_eq!(error.to_string(), "the kubeconfig /no/such/file cannot be used");
}
