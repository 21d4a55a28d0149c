//! Many deployments at once.

use std::{collections::HashMap, time::Instant};

use serde_json::{Value, json};

use crate::support::{TestApp, text};

const ENVIRONMENTS: usize = 20;
const DEPLOYMENTS: usize = 200;

/// A deployment as the test asked for it: the environment, and which applications.
type Asked = (usize, Vec<usize>);

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_deployments_keep_the_order_of_their_lanes() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let version = ada.create_version("v1").await;
    let image = json!({ "image": "api:1" });
    let applications = [
        ada.create_application("api", image.clone()).await,
        ada.create_application("web", image.clone()).await,
        ada.create_application("jobs", image).await,
    ];
    let mut environments = Vec::new();
    for place in 0..ENVIRONMENTS {
        environments.push(ada.create_environment(&format!("env{place}")).await);
    }
    let mut asked: HashMap<String, Asked> = HashMap::new();
    let mut order = Vec::new();
    for n in 0..DEPLOYMENTS {
        let (place, round) = (n % ENVIRONMENTS, n / ENVIRONMENTS);
        // One application, then another, then two of the three.
        let wanted = match round % 3 {
            2 => vec![round % 2, 2],
            one => vec![one],
        };
        let ids: Vec<&str> = wanted.iter().map(|at| applications[*at].as_str()).collect();
        let id = ada.deploy(&version, &ids, &environments[place], "ROLLING").await;
        asked.insert(id.clone(), (place, wanted));
        order.push(id);
    }

    let (begun, used) = (Instant::now(), cpu_seconds());
    app.run_tasks().await;
    let (seconds, used) = (begun.elapsed().as_secs_f64(), cpu_seconds() - used);

    let shown = all(&app, &ada.token).await;
    assert_eq!(shown.len(), DEPLOYMENTS);
    assert!(shown.values().all(|one| one["status"] == "SUCCESS"));
    let tasks: u64 = shown.values().map(|one| one["tasks"]["totalCount"].as_u64().unwrap()).sum();
    let each = used * 1_000.0 / f64::from(u32::try_from(tasks).unwrap());
    eprintln!(
        "{DEPLOYMENTS} deployments with {tasks} tasks took {seconds:.1} s, \
         {each:.1} ms of CPU each, with that of the simulated cluster"
    );
    for (at, later) in order.iter().enumerate() {
        for earlier in &order[..at] {
            let (one, other) = (&asked[earlier], &asked[later]);
            if one.0 == other.0 && one.1.iter().any(|it| other.1.contains(it)) {
                let ended = text(&shown[earlier]["completedAt"]);
                assert!(ended <= text(&shown[later]["startedAt"]), "{earlier} before {later}");
            }
        }
    }
    let first_end = order[..ENVIRONMENTS].iter().map(|id| text(&shown[id]["completedAt"])).min();
    let side_by_side = |id: &&String| text(&shown[*id]["startedAt"]) < *first_end.as_ref().unwrap();
    assert!(order.iter().filter(side_by_side).count() >= ENVIRONMENTS);
}

/// What this process has used, where the system tells.
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = told.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

async fn all(app: &TestApp, token: &Option<String>) -> HashMap<String, Value> {
    let client = crate::support::Client::new(app.routes.clone(), token.as_deref());
    let document = "query($after: String) { deployments(first: 50, after: $after) {
        nodes { id status startedAt completedAt tasks(first: 1) { totalCount } }
        pageInfo { hasNextPage endCursor } } }";
    let (mut found, mut after) = (HashMap::new(), Value::Null);
    loop {
        let page = client.send(document, json!({ "after": after })).await.ok();
        let page = &page["deployments"];
        for node in page["nodes"].as_array().unwrap() {
            found.insert(text(&node["id"]), node.clone());
        }
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}
