//! What stands in `deploy/`.

use std::{collections::BTreeSet, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use simulator::{Access, Clock, Cluster, Rule};
use tokio::net::TcpListener;

use crate::support::{Client, REPOSITORY, TestApp, deploy_base, granted_rules, text};

fn granted() -> BTreeSet<Access> {
    let mut granted = BTreeSet::new();
    for Rule { groups, resources, verbs, .. } in granted_rules() {
        for (group, resource) in groups.iter().flat_map(|it| resources.iter().map(move |r| (it, r)))
        {
            granted.extend(verbs.iter().map(|verb| Access {
                verb: verb.clone(),
                group: group.clone(),
                resource: resource.clone(),
            }));
        }
    }
    granted
}

/// Runs kubectl; `None`, and a word on why, where there is none.
fn kubectl(arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("kubectl").args(arguments).output() else {
        eprintln!("skipped: there is no kubectl to be run");
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", text(&output.stderr));
    Some(text(&output.stdout))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_are_those_that_are_used_and_no_others() {
    let app = TestApp::allowed(granted_rules()).await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let (web, broken) = (root.create_product("web:1").await, root.create_product("nopull:1").await);
    let secret = json!({ "productId": web, "instanceName": "web", "secretConfig": { "A": "1" } });

    let order = ada.place_order_with(secret).await.ok()["placeOrder"]["order"]["id"].clone();
    let paid = ada.pay_order(order.as_str().unwrap()).await.ok();
    let instance = paid["payOrder"]["order"]["instance"]["id"].as_str().unwrap().to_owned();
    ada.buy(&broken, "broken").await;
    while app.control_plane.run_next_task().await.unwrap() {}
    app.advance(Duration::from_secs(30));
    app.observe().await;
    let pods = "query($id: ID!) { instance(id: $id) { pods { log } } }";
    let log = ada.send(pods, json!({ "id": instance })).await.ok();
    app.run_tasks().await;
    app.watch().await;
    ada.command("stopInstance", &instance).await.ok();
    app.run_tasks().await;
    ada.command("deleteInstance", &instance).await.ok();
    app.run_tasks().await;
    deliver(&app, &ada).await;

    let books = json!({
        "tenantId": ada.personal_tenant().await, "serviceName": "books", "dimension": 768,
    });
    let books = ada.create_search_cluster(books).await.ok();
    let books = books["createSearchCluster"]["cluster"]["id"].as_str().unwrap();
    app.run_tasks().await;
    ada.update_search_cluster(books, json!({ "diskSize": "20Gi" })).await.ok();
    app.run_tasks().await;
    ada.command_cluster("deleteCluster", books).await.ok();
    app.run_tasks().await;

    let used: BTreeSet<Access> = app.cluster.accesses().into_keys().collect();
    assert!(log["instance"]["pods"][0]["log"].as_str().unwrap().contains("listening"), "{log}");
    assert_eq!(used, granted());
    let mut standing = app.standing().await;
    standing.retain(|it| !it.contains(" api"));
    assert_eq!(standing, Vec::<String>::new(), "but for what was delivered");
}

/// Builds, tests and runs an application with secrets of its own, and then another release beside
/// the first.
async fn deliver(app: &TestApp, ada: &Client) {
    let version = ada.create_version("v1").await;
    let input = json!({
        "name": "api", "repository": REPOSITORY, "type": "microservice",
        "config": { "testCommand": "echo tested", "cleanupDelaySeconds": 1 },
        "secrets": { "TOKEN": "t", "GIT_TOKEN": "g", "REGISTRY_PASSWORD": "r" },
    });
    let created = ada.try_create("Application", input).await.ok();
    let application = text(&created["createApplication"]["application"]["id"]);
    let environment = ada.create_environment("prod").await;
    for strategy in ["ROLLING", "BLUE_GREEN"] {
        let deployment = ada.deploy(&version, &[&application], &environment, strategy).await;
        app.run_tasks().await;
        let shown = ada.deployment(&deployment).await;
        assert_eq!(shown["status"], "SUCCESS", "{shown:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kustomize_builds_it_and_a_cluster_takes_it() {
    let Some(built) = kubectl(&["kustomize", deploy_base().to_str().unwrap()]) else { return };
    let cluster = Cluster::new(Clock::system());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubeconfig = simulator::kubeconfig(listener.local_addr().unwrap());
    tokio::spawn(async move { cluster.serve(listener).await });
    let folder = tempfile::tempdir().unwrap();
    let (config, all) = (folder.path().join("config"), folder.path().join("all.yaml"));
    std::fs::write(&config, kubeconfig).unwrap();
    std::fs::write(&all, &built).unwrap();

    let applied = tokio::task::spawn_blocking(move || {
        let (config, all) = (config.to_str().unwrap(), all.to_str().unwrap());
        let apply =
            ["apply", "--server-side", "--validate=false", "-f", all, "--kubeconfig", config];
        kubectl(&apply)
    });
    let applied = applied.await.unwrap().unwrap();

    let kinds: Vec<&str> = applied.lines().filter_map(|line| line.split('/').next()).collect();
    assert_eq!(
        kinds,
        [
            "namespace",
            "serviceaccount",
            "clusterrole.rbac.authorization.k8s.io",
            "clusterrolebinding.rbac.authorization.k8s.io",
            "service",
            "deployment.apps",
            "poddisruptionbudget.policy",
            "networkpolicy.networking.k8s.io",
        ]
    );
    for said in
        ["path: /livez", "path: /readyz", "readOnlyRootFilesystem: true", "runAsNonRoot: true"]
    {
        assert!(built.contains(said), "{said}");
    }
}

/// Cargo reads the manifests of all members, whichever of them it builds. Without the toolchain's
/// file it is the image's own compiler that builds.
#[test]
fn the_image_is_built_from_all_members_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let manifest = read("Cargo.toml");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let members: Vec<String> = serde_json::from_str(members).unwrap();
    let ignored = read(".dockerignore");
    let taken: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();

    for member in members.iter().map(String::as_str).chain(["migrations", ".cargo"]) {
        assert!(taken.contains(&member), "{member} in {taken:?}");
    }
    assert!(!taken.contains(&"rust-toolchain.toml"), "{taken:?}");
}

#[test]
fn the_dashboard_and_the_alerts_use_metrics_that_exist() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(folder.join("..").join(path)).unwrap();
    let (page, dashboard) = (read("docs/metrics.md"), read("deploy/monitoring/dashboard.json"));
    let alerts = read("deploy/monitoring/alerts.yaml");
    let exist: BTreeSet<String> = names(&page);

    let used: BTreeSet<String> = &names(&dashboard) | &names(&alerts);

    assert!(used.len() > 15, "{used:?}");
    let unknown: Vec<_> = used.difference(&exist).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(serde_json::from_str::<Value>(&dashboard).unwrap()["panels"].is_array());
    let rules: Value = serde_saphyr::from_str(&alerts).unwrap();
    for rule in rules["groups"][0]["rules"].as_array().unwrap() {
        let annotations = &rule["annotations"];
        assert!(annotations["summary"].is_string() && annotations["action"].is_string(), "{rule}");
    }
}

/// The names of metrics in a text; those of a histogram's series are its own.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let ours = words.filter(|word| word.starts_with("slipway_"));
    ours.map(|name| name.trim_end_matches("_bucket").to_owned()).collect()
}
