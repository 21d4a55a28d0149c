//! The program in a pod: it is told of its cluster by what is mounted and set there, and nothing
//! else.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use axum::serve::Listener;
use serde_json::{Value, json};
use simulator::{Account, Clock, Cluster};

use crate::{
    processes::{buy, product, register},
    support::{Database, Process, TlsListener, granted_rules},
};

const TOKEN: &str = "the token of the service account";
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster that knows Slipway's service account alone; answers with its port.
async fn serve(mounted: &Path) -> String {
    let account = Account {
        token: TOKEN.to_owned(),
        name: "system:serviceaccount:slipway:slipway".to_owned(),
        rules: granted_rules(),
    };
    let cluster = Cluster::new(Clock::system());
    let listener = TlsListener::new().await;
    let port = listener.local_addr().unwrap().port().to_string();
    fs::write(mounted.join("ca.crt"), &listener.authority).unwrap();
    fs::write(mounted.join("token"), TOKEN).unwrap();
    fs::write(mounted.join("namespace"), "slipway").unwrap();
    tokio::spawn(axum::serve(listener, cluster.guarded_router(vec![account])).into_future());
    port
}

/// A command that runs what follows with a folder where a pod has its service account; `None`
/// where that is not permitted.
fn in_a_pod(mounted: &Path) -> Option<Command> {
    let command = || {
        let account = "/var/run/secrets/kubernetes.io/serviceaccount";
        let mount = "mount -t tmpfs tmpfs /var/run";
        let script =
            format!("{mount} && mkdir -p {account} && cp -r \"$0\"/. {account} && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &script]).arg(mounted);
        command
    };
    let permitted =
        command().arg("true").stderr(Stdio::null()).status().is_ok_and(|it| it.success());
    permitted.then(command)
}

/// Waits until an order has been carried out; answers with what it shows.
fn carried_out(process: &Process, token: &str, order: &str) -> Value {
    let document = "query($id: ID!) { order(id: $id) { status instance { status
        runtime { readyReplicas stale } whyNotRunning { code message evidence } } } }";
    let began = Instant::now();
    loop {
        let shown = process.send(Some(token), document, &json!({ "id": order }));
        let order = &shown["data"]["order"];
        if order["status"] == "COMPLETED" && order["instance"]["runtime"]["readyReplicas"] == 1 {
            return order.clone();
        }
        assert!(began.elapsed() < PATIENCE, "{shown:#}\n{}", process.log());
        sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_account_of_its_pod_leads_to_its_cluster() {
    let (database, mounted) = (Database::new().await, tempfile::tempdir().unwrap());
    let (Some(program), Some(mut pod)) = (Process::program(), in_a_pod(mounted.path())) else {
        eprintln!("skipped: there is no program, or nothing may be mounted here");
        return;
    };
    let port = serve(mounted.path()).await;
    let settings = [
        ("SLIPWAY_KUBERNETES", "in-cluster"),
        ("KUBERNETES_SERVICE_HOST", "127.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", &port),
    ];
    pod.arg(program);

    let process = Process::start_by(pod, &database, &settings);
    let (token, product) = (register(&process, "ada"), product(&process));
    let order = buy(&process, &token, &product, "web");

    let shown = carried_out(&process, &token, &order);
    assert_eq!(shown["instance"]["status"], "RUNNING", "{shown}");
    assert_eq!(shown["instance"]["runtime"]["stale"], false, "{shown}");
    assert_eq!(shown["instance"]["whyNotRunning"], Value::Null, "{shown}");
    let target = "{ platform { targets { name simulated connected } } }";
    let target = &process.send(Some(&token), target, &json!({}))["data"]["platform"]["targets"][0];
    assert_eq!(target["simulated"], false, "{target}");
    assert_eq!(target["connected"], true, "{target}");
}
