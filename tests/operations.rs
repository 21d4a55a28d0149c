//! What operators do: several processes with different parts, upgrades, backups, a look at
//! everything.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
    sql_types::BigInt, sqlite::SqliteConnection,
};
use persistence::SqlStore;
use serde_json::{Value, json};
use tokio::{runtime::Handle, task::block_in_place};

use crate::{
    processes::{buy, product, register, settled},
    support::{Database, KEY, Process, ServedCluster, http_get},
};

#[tokio::test(flavor = "multi_thread")]
async fn one_process_answers_and_another_works() {
    let (database, cluster) = (Database::new().await, ServedCluster::new().await);
    let (Some(answering), Some(working)) = (
        start(&database, &cluster, &["serve", "--no-work"]),
        start(&database, &cluster, &["work"]),
    ) else {
        return;
    };
    let token = register(&answering, "ada");

    let order = buy(&answering, &token, &product(&answering), "blog");

    assert_eq!(settled(&answering, &token), [(order, "COMPLETED".to_owned())]);
    assert_eq!(http_get(&working.address, "/graphql").await.0, 404, "it answers nobody");
    assert_eq!(http_get(&working.address, "/readyz").await.0, 200);
    assert_eq!(http_get(&working.address, "/metrics").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_nothing_is_begun() {
    let (database, cluster) = (Database::new().await, ServedCluster::new().await);
    let Some(answering) = start(&database, &cluster, &["serve", "--no-work"]) else {
        return;
    };
    let token = register(&answering, "ada");
    buy(&answering, &token, &product(&answering), "blog");

    let reply =
        answering.send(Some(&token), "{ workflows(first: 1) { nodes { status } } }", &json!({}));

    assert_eq!(reply["data"]["workflows"]["nodes"][0]["status"], "PENDING", "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_that_start_at_once_migrate_once() {
    let Some(program) = Process::program() else { return };
    let database = Database::empty().await;

    let starts: Vec<_> = (0..4)
        .map(|_| {
            let (database, program) = (database.shared(), program.clone());
            thread::spawn(move || Process::run(server(&program, &database), &database))
        })
        .collect();
    let processes: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();

    for process in &processes {
        assert_eq!(http_get(&process.address, "/readyz").await.0, 200);
    }
}

/// What a newer one adds: columns to everything, in one migration after the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_process_goes_on_while_a_newer_one_migrates() {
    let (database, cluster) = (Database::new().await, ServedCluster::new().await);
    let Some(process) = Process::start_with(&database, &cluster.settings()) else { return };
    let (token, product) = (register(&process, "ada"), product(&process));
    let names: Vec<_> = (0..20).map(|number| format!("web-{number}")).collect();

    let (bought, widened) = thread::scope(|scope| {
        let client = scope.spawn(|| {
            let buy = |name: &String| buy(&process, &token, &product, name);
            names.iter().map(buy).collect::<HashSet<_>>()
        });
        let widened = block_in_place(|| Handle::current().block_on(widen(&database)));
        (client.join().unwrap(), widened)
    });
    let after = buy(&process, &token, &product, "after");

    assert!(widened > 20, "{widened} tables");
    let settled = settled(&process, &token);
    assert!(settled.iter().all(|(_, status)| status == "COMPLETED"), "{settled:?}");
    let orders: HashSet<_> = settled.into_iter().map(|(order, _)| order).collect();
    assert_eq!(orders, bought.into_iter().chain([after]).collect());
    assert!(!process.log().contains(" ERROR "), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_slipway_is_refused() {
    let database = Database::new().await;
    let (Some(program), Some(file)) = (Process::program(), database.file()) else { return };
    drop(SqlStore::open(&database.url, None).await.unwrap());
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    connect(&file).batch_execute(newer).unwrap();

    let refused = server(&program, &database).output().unwrap();

    assert!(!refused.status.success());
    assert!(text(&refused).contains("newer Slipway (schema 99990101000000)"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedded_database_is_copied_before_it_is_migrated() {
    let database = Database::new().await;
    let (Some(_), Some(file)) = (Process::program(), database.file()) else { return };
    drop(SqlStore::open(&database.url, None).await.unwrap());
    let newest = newest_migration();
    let version = newest.file_name().unwrap().to_string_lossy()[..17].replace('-', "");
    let mut connection = connect(&file);
    connection.batch_execute(&fs::read_to_string(newest.join("down.sql")).unwrap()).unwrap();
    let forget = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'");
    connection.batch_execute(&forget).unwrap();
    drop(connection);

    let process = Process::start(&database).unwrap();
    let token = register(&process, "ada");

    let copy = PathBuf::from(format!("{}.before-{version}", file.display()));
    assert_eq!(count(&copy, "users"), 0, "the copy is as it was before the start");
    assert!(!token.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_database_is_restored() {
    let database = Database::new().await;
    let (Some(program), Some(file)) = (Process::program(), database.file()) else { return };
    let copy = database.folder.path().join("copy.db").to_string_lossy().into_owned();
    let run = |command: &str| slipway(&program, &database, &[command, &copy]);
    let past = Past::of(&database, || {
        assert!(run("backup").status.success());
    });

    let in_use = run("restore");
    let future = past.end();
    let restored = run("restore");

    assert!(text(&in_use).contains("in use: stop Slipway first"), "{in_use:?}");
    assert!(restored.status.success(), "{restored:?}");
    let before = PathBuf::from(format!("{}.before-restore", file.display()));
    assert_eq!(count(&before, "orders"), 2, "what was there stays beside it");
    future.resumes(&database);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_for_postgresql_backs_up_and_restores() {
    let database = Database::new().await;
    let (Some(_), true) = (Process::program(), database.is_postgres()) else { return };
    let copy = database.folder.path().join("slipway.dump").to_string_lossy().into_owned();
    let url = database.url.as_str();
    let past = Past::of(&database, || {
        postgres("pg_dump", &["--format=custom", &format!("--file={copy}"), url]);
    });

    let future = past.end();
    let into = format!("--dbname={url}");
    postgres("pg_restore", &["--clean", "--if-exists", "--single-transaction", &into, &copy]);
    postgres("psql", &["--set=ON_ERROR_STOP=1", &format!("--command={}", last_command()), url]);

    future.resumes(&database);
}

/// A server with an order that a backup knows, and one that it does not.
struct Past {
    process: Process,
    token: String,
    kept: String,
    cursor: Value,
}

/// After the restoration.
struct Future {
    token: String,
    kept: String,
    /// From what is lost.
    cursor: Value,
}

impl Past {
    fn of(database: &Database, back_up: impl FnOnce()) -> Self {
        let process = Process::start(database).unwrap();
        let token = register(&process, "ada");
        let goods = product(&process);
        let kept = buy(&process, &token, &goods, "kept");
        back_up();
        buy(&process, &token, &goods, "lost");
        let reply = process.send(Some(&token), "{ cursor }", &json!({}));
        Self { process, token, kept, cursor: reply["data"]["cursor"].clone() }
    }

    fn end(self) -> Future {
        assert!(self.process.terminate().wait().success());
        Future { token: self.token, kept: self.kept, cursor: self.cursor }
    }
}

impl Future {
    /// The order that the backup knows is there, and the lost cursor leads to what is new.
    fn resumes(self, database: &Database) {
        let process = Process::start(database).unwrap();
        assert_eq!(settled(&process, &self.token), [(self.kept, "COMPLETED".to_owned())]);
        let again = buy(&process, &self.token, &product(&process), "again");
        let reply = process.send(
            Some(&self.token),
            "query($after: Cursor) { events(after: $after, filter: { types: [\"ORDER_PLACED\"] }) {
                nodes { subject { id } } } }",
            &json!({ "after": self.cursor }),
        );
        let told = &reply["data"]["events"]["nodes"];
        assert_eq!(told, &json!([{ "subject": { "id": again } }]), "{reply}");
    }
}

/// Runs one of PostgreSQL's own programs, of the newest version that is installed.
fn postgres(program: &str, arguments: &[&str]) {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions.map(|version| version.unwrap().path().join("bin").join(program)).max();
    let output = Command::new(newest.unwrap_or(program.into())).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// What the page for operators runs after a restoration.
fn last_command() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("<<'SQL'\n").unwrap();
    rest.split_once("\nSQL\n").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let Some(program) = Process::program() else { return };
    let database = Database::new().await;
    drop(SqlStore::open(&database.url, None).await.unwrap());

    let well = slipway(&program, &database, &["doctor"]);
    let ill = Command::new(&program)
        .arg("doctor")
        .env("SLIPWAY_DATABASE_URL", "postgres://nobody@127.0.0.1:9/none")
        .env("SLIPWAY_REDIS_URL", "redis://127.0.0.1:9")
        .output()
        .unwrap();

    assert!(well.status.success(), "{well:?}");
    assert!(text(&well).contains("its schema up to date"), "{well:?}");
    assert!(!ill.status.success());
    for said in ["wrong  settings", "wrong  store", "wrong  bus", "Set SLIPWAY_TOKEN_KEY"] {
        assert!(text(&ill).contains(said), "{said} in {ill:?}");
    }
}

fn start(database: &Database, cluster: &ServedCluster, part: &[&str]) -> Option<Process> {
    let mut command = server(&Process::program()?, database);
    command.args(part).envs(cluster.settings());
    Some(Process::run(command, database))
}

fn server(program: &Path, database: &Database) -> Command {
    let mut command = Command::new(program);
    command
        .env("SLIPWAY_LISTEN", "127.0.0.1:0")
        .env("SLIPWAY_DATABASE_URL", &database.url)
        .env("SLIPWAY_TOKEN_KEY", KEY)
        .env("SLIPWAY_SECRETS_KEY", KEY)
        .env("SLIPWAY_ADMIN_EMAIL", "root@example.com")
        .env("SLIPWAY_ADMIN_PASSWORD", crate::support::PASSWORD);
    command
}

fn slipway(program: &Path, database: &Database, arguments: &[&str]) -> Output {
    server(program, database).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    let (said, logged) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(said), String::from_utf8_lossy(logged))
}

/// Adds a column to every table; answers with how many there are.
async fn widen(database: &Database) -> usize {
    let tables = database.tables().await;
    for table in &tables {
        let add =
            format!("ALTER TABLE {table} ADD COLUMN of_a_newer_one TEXT NOT NULL DEFAULT 'x'");
        database.change(&add).await;
    }
    tables.len()
}

fn newest_migration() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let folders = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    folders.max().unwrap()
}

pub fn connect(file: &Path) -> SqliteConnection {
    SqliteConnection::establish(&file.to_string_lossy()).unwrap()
}

fn count(file: &Path, table: &str) -> i64 {
    number(&mut connect(file), &format!("SELECT COUNT(*) AS number FROM {table}"))
}

/// The `number` that a query answers with.
pub fn number(database: &mut SqliteConnection, sql: &str) -> i64 {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    sql_query(sql).get_result::<Found>(database).unwrap().number
}
