//! `slipway import`, as people run it.

use std::{
    fs,
    process::{Command, Output},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Database, Process};

const FILE: &str = "\
# environments
env,provider,node_port,pf_port,register_portainer,haproxy_route,http_port,https_port
dev,k3d,30080,19001,true,true,18091,18443
Bad Name,k3d,,,,,,
uat,kind,,,false,false,,
low,k3d,80,,,,,
";

/// Runs it on a database; with what it wrote.
fn import(database: &Database, arguments: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } = Command::new(Process::program().unwrap())
        .arg("import")
        .args(arguments)
        .current_dir(database.folder.path())
        .env("SLIPWAY_DATABASE_URL", &database.url)
        .env("SLIPWAY_TOKEN_KEY", crate::support::KEY)
        .env("SLIPWAY_ADMIN_EMAIL", "root@example.com")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.success(), text(stdout), text(stderr))
}

fn report(dev: &str, uat: &str) -> String {
    let label = "env: must be 1 to 24 lower-case letters, digits or hyphens, beginning with a \
                 letter and not ending with a hyphen";
    format!(
        "line 3  {dev}  dev\n\
         line 4  INVALID  Bad Name: {label}\n\
         line 5  {uat}  uat\n\
         line 6  INVALID  low: node_port: must be from 1024 to 65535\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn slipway_import_tells_each_row_and_changes_nothing_the_second_time() {
    let database = Database::new().await;
    let Some(process) = Process::start(&database) else {
        return;
    };
    fs::write(database.folder.path().join("clusters.csv"), FILE).unwrap();
    let token = crate::processes::root(&process);
    let count = || {
        let shown = process.send(
            Some(&token),
            "{ clusters { totalCount } running: clusters(filter: { status: [RUNNING] }) { totalCount } }",
            &json!({}),
        );
        let shown = &shown["data"];
        ["clusters", "running"].map(|it| shown[it]["totalCount"].as_u64().unwrap())
    };

    let rehearsed = import(&database, &["--dry-run", "clusters.csv"]);
    assert_eq!(count(), [0, 0], "a rehearsal leaves nothing");
    let imported = import(&database, &["clusters.csv"]);
    let patience = Instant::now() + Duration::from_secs(60);
    while count() != [2, 2] {
        assert!(Instant::now() < patience, "the clusters never run");
        sleep(Duration::from_millis(50));
    }
    let again = import(&database, &["clusters.csv"]);

    for ((success, told, why), outcome) in
        [(rehearsed, "CREATED"), (imported, "CREATED"), (again, "UNCHANGED")]
    {
        assert_eq!(told, report(outcome, outcome));
        assert!(!success && why.contains("2 of 4 rows cannot be so"), "{why}");
    }
    assert_eq!(count(), [2, 2]);
    fs::write(database.folder.path().join("good.csv"), "env,provider\ndev,k3d\n").unwrap();
    let good = import(&database, &["good.csv"]);
    assert_eq!(good, (true, "line 2  UNCHANGED  dev\n".to_owned(), String::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn slipway_import_says_which_file_it_cannot_read() {
    let database = Database::new().await;
    let Some(process) = Process::start(&database) else {
        return;
    };
    fs::write(database.folder.path().join("other.csv"), "name,port\ndev,1\n").unwrap();

    let missing = import(&database, &["nowhere.csv"]);
    let other = import(&database, &["other.csv"]);

    assert!(!missing.0 && missing.2.contains("reading nowhere.csv"), "{}", missing.2);
    assert!(!other.0 && other.2.contains("csv: knows no column name"), "{}", other.2);
    drop(process);
}
