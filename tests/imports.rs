use std::fs;

use api::{config::Config, import};
use clap::{Args, Command, FromArgMatches};
use serde_json::{Value, json};

use crate::support::{Client, Reply, TestApp};

const HEADER: &str =
    "env,provider,node_port,pf_port,register_portainer,haproxy_route,http_port,https_port";

async fn import(client: &Client, csv: &str, dry_run: bool) -> Reply {
    let document = "mutation($csv: String!, $dryRun: Boolean) {
        importDevClusters(csv: $csv, dryRun: $dryRun) {
            replayed rows { line name outcome message cluster { id status } } } }";
    client.send(document, json!({ "csv": csv, "dryRun": dry_run })).await
}

/// The rows of an answer as (line, name, outcome, message).
fn rows(reply: &Reply) -> Vec<(i64, String, String, String)> {
    let rows = reply.ok()["importDevClusters"]["rows"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        (
            row["line"].as_i64().unwrap(),
            text(&row["name"]),
            text(&row["outcome"]),
            text(&row["message"]),
        )
    };
    rows.iter().map(row).collect()
}

fn outcomes(reply: &Reply) -> Vec<String> {
    rows(reply).into_iter().map(|(_, _, outcome, _)| outcome).collect()
}

async fn count(client: &Client) -> Value {
    client.send("{ clusters { totalCount } }", json!({})).await.ok()["clusters"]["totalCount"]
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_once_however_often() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let csv =
        format!("{HEADER}\ndev,k3d,30080,19001,true,true,18091,18443\nuat,kind,,,false,false,,\n");

    let first = import(&root, &csv, false).await;
    app.run_tasks().await;
    let again = import(&root, &csv, false).await;

    assert_eq!(outcomes(&first), ["CREATED", "CREATED"]);
    assert_eq!(outcomes(&again), ["UNCHANGED", "UNCHANGED"]);
    let dev = again.ok()["importDevClusters"]["rows"][0]["cluster"].clone();
    assert_eq!(dev["status"], "RUNNING");
    let shown = root.cluster(dev["id"].as_str().unwrap()).await;
    assert_eq!(
        shown["ports"],
        json!({ "node": 30080, "portForward": 19001, "http": 18091, "https": 18443 })
    );
    assert_eq!(count(&root).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_change_is_updated_and_what_is_fixed_is_a_conflict() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let csv = |rest: &str| format!("{HEADER}\ndev,{rest}\n");
    import(&root, &csv("k3d,,,false,false,18091,"), false).await.ok();

    let flags = import(&root, &csv("k3d,,,true,false,18091,"), false).await;
    let port = import(&root, &csv("k3d,,,true,false,18092,"), false).await;
    let provider = import(&root, &csv("kind,,,true,false,18091,"), false).await;

    assert_eq!(outcomes(&flags), ["UPDATED"]);
    let fixed = "http_port is 18091, and the ports of a cluster are fixed";
    assert_eq!(rows(&port)[0], (2, "dev".into(), "CONFLICT".into(), fixed.into()));
    let fixed = "the cluster is of K3D, which is fixed";
    assert_eq!(rows(&provider)[0].3, fixed);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_told_by_line_and_leave_the_good_ones_alone() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let ada = app.user("ada").await;
    ada.dev_cluster("hers").await;
    let csv = format!(
        "# environments\n{HEADER}\ngood,k3d,,,,,,\nBad Name,k3d,,,,,,\nwrong,minikube,,,,,,\n\
         low,k3d,80,,,,,\ngood,k3d,,,,,,\nhers,k3d,,,,,,\nshort,k3d\n"
    );

    let told = rows(&import(&root, &csv, false).await);

    let label = "env: must be 1 to 24 lower-case letters, digits or hyphens, beginning with a \
                 letter and not ending with a hyphen";
    let expected = [
        (3, "good", "CREATED", ""),
        (4, "Bad Name", "INVALID", label),
        (5, "wrong", "INVALID", "provider: must be k3d or kind"),
        (6, "low", "INVALID", "node_port: must be from 1024 to 65535"),
        (7, "good", "CONFLICT", "stands on line 3 already"),
        (8, "hers", "CONFLICT", "the name is another tenant's"),
        (9, "short", "INVALID", "has 2 values, not 8"),
    ];
    let expected = expected.map(|(line, name, outcome, message)| {
        (line, name.to_owned(), outcome.to_owned(), message.to_owned())
    });
    assert_eq!(told, expected);
    assert_eq!(count(&root).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_come_of_it_and_leaves_nothing() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let csv = format!("{HEADER}\ndev,k3d,,,,,18091,\nuat,k3d,,,,,18091,\n");

    let rehearsed = import(&root, &csv, true).await;

    let moved = "http_port 18091 was taken: 18092";
    let told: Vec<_> = rows(&rehearsed).into_iter().map(|row| (row.2, row.3)).collect();
    assert_eq!(told, [("CREATED".into(), String::new()), ("CREATED".into(), moved.to_owned())]);
    assert_eq!(rehearsed.ok()["importDevClusters"]["rows"][0]["cluster"], Value::Null);
    assert_eq!(count(&root).await, 0);
    assert_eq!(rows(&import(&root, &csv, false).await), rows(&rehearsed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_beyond_the_quota_is_a_conflict_and_the_rows_before_it_stand() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let tenant = root.personal_tenant().await;
    let document = "mutation($id: ID!) { setTenantQuota(tenantId: $id,
        limits: [{ dimension: CLUSTERS, limit: 1 }]) { cursor } }";
    root.send(document, json!({ "id": tenant })).await.ok();

    let told = rows(&import(&root, &format!("{HEADER}\none,,,,,,,\ntwo,,,,,,,\n"), false).await);

    assert_eq!(told[0].2, "CREATED");
    let lacking = "the quota does not suffice: CLUSTERS requested 1, available 0";
    assert_eq!((told[1].2.as_str(), told[1].3.as_str()), ("CONFLICT", lacking));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_under_a_key_has_one_answer() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let document = json!({ "query": format!("mutation {{
        importDevClusters(csv: \"env\\ndev\\n\") {{ replayed rows {{ outcome }} }} }}") });
    let key = [("Idempotency-Key", "monday")];

    let first = root.post(&document, &key).await.ok();
    let second = root.post(&document, &key).await.ok();

    let created = json!([{ "outcome": "CREATED" }]);
    assert_eq!(first["importDevClusters"], json!({ "replayed": false, "rows": created }));
    assert_eq!(second["importDevClusters"], json!({ "replayed": true, "rows": created }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_at_the_start_when_it_has_changed() {
    let app = TestApp::new().await;
    let root = app.admin().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("environments.csv");
    let config = config("root@example.com");
    let start = async || import::at_start(&app.control_plane, &config, &file).await.unwrap();
    let imports = async || {
        let document = "{ events(filter: { types: [\"CLUSTERS_IMPORTED\"] }) { totalCount } }";
        root.send(document, json!({})).await.ok()["events"]["totalCount"].clone()
    };

    fs::write(&file, format!("{HEADER}\ndev,,,,,,,\n")).unwrap();
    start().await;
    start().await;
    assert_eq!((imports().await, count(&root).await), (json!(1), json!(1)));
    fs::write(&file, format!("{HEADER}\ndev,,,,,,,\nuat,,,,,,,\n")).unwrap();
    start().await;

    assert_eq!((imports().await, count(&root).await), (json!(2), json!(2)));
}

/// The settings of a program whose first administrator has that address.
fn config(admin: &str) -> Config {
    let command = Config::augment_args(Command::new("slipway"));
    let matches = command.get_matches_from(["slipway", "--admin-email", admin]);
    Config::from_arg_matches(&matches).unwrap()
}
