use std::{
    env,
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use diesel::{QueryableByName, sql_query, sql_types::Text, sqlite::SqliteConnection};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::ids::WorkflowId;
use persistence::SqlStore;
use tempfile::TempDir;

/// A database of one test's own.
pub struct Database {
    pub url: String,
    /// Holds the file of an embedded one.
    pub folder: Arc<TempDir>,
}

impl Database {
    /// Empty and migrated: a file, or a copy of a template where the suite runs on PostgreSQL.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match env::var("SLIPWAY_TEST_DATABASE") {
            Ok(server) => on_postgres(&server).await,
            Err(_) => format!("sqlite://{}", folder.path().join("slipway.db").display()),
        };
        Self { url, folder: Arc::new(folder) }
    }

    /// Without any table.
    pub async fn empty() -> Self {
        let database = Self::new().await;
        if database.is_postgres() {
            let mut connection = AsyncPgConnection::establish(&database.url).await.unwrap();
            let sql = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            connection.batch_execute(sql).await.unwrap();
        }
        database
    }

    /// The file of an embedded one.
    pub fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite://").map(PathBuf::from)
    }

    /// The same one for another process.
    pub fn shared(&self) -> Self {
        Self { url: self.url.clone(), folder: self.folder.clone() }
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// The tables of the schema.
    pub async fn tables(&self) -> Vec<String> {
        let sql = match self.file() {
            None => TABLES,
            Some(_) => "SELECT name AS text FROM sqlite_master WHERE type = 'table'",
        };
        let found: Vec<Found> = match self.file() {
            None => sql_query(sql).load(&mut postgres(&self.url).await).await.unwrap(),
            Some(file) => diesel::RunQueryDsl::load(sql_query(sql), &mut sqlite(&file)).unwrap(),
        };
        let tables = found.into_iter().map(|found| found.text);
        tables.filter(|name| !name.starts_with("__") && !name.starts_with("sqlite_")).collect()
    }

    /// Runs a statement beside whoever uses it.
    pub async fn change(&self, sql: &str) {
        match self.file() {
            None => postgres(&self.url).await.batch_execute(sql).await.unwrap(),
            Some(file) => {
                let patient = format!("PRAGMA busy_timeout = 10000; {sql}");
                diesel::connection::SimpleConnection::batch_execute(&mut sqlite(&file), &patient)
                    .unwrap();
            }
        }
    }

    /// Everything that is stored: the embedded database's files, or all rows as text.
    pub async fn content(&self) -> Vec<u8> {
        if self.is_postgres() {
            return rows_as_text(&self.url).await;
        }
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

const TABLES: &str = "SELECT table_name::text AS text FROM information_schema.tables
    WHERE table_schema = 'public'";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Text)]
    text: String,
}

async fn postgres(url: &str) -> AsyncPgConnection {
    AsyncPgConnection::establish(url).await.unwrap()
}

fn sqlite(file: &Path) -> SqliteConnection {
    diesel::Connection::establish(&file.to_string_lossy()).unwrap()
}

async fn rows_as_text(url: &str) -> Vec<u8> {
    let mut database = postgres(url).await;
    let tables: Vec<Found> = sql_query(TABLES).load(&mut database).await.unwrap();
    let mut content = Vec::new();
    for Found { text: table } in tables {
        let rows = format!("SELECT t::text AS text FROM {table} t");
        let rows: Vec<Found> = sql_query(rows).load(&mut database).await.unwrap();
        content.extend(rows.into_iter().flat_map(|row| row.text.into_bytes()));
    }
    content
}

async fn on_postgres(server: &str) -> String {
    let (base, _) = server.rsplit_once('/').unwrap();
    let mut admin = AsyncPgConnection::establish(server).await.unwrap();
    // One test makes the template while the others wait.
    admin.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    if admin.batch_execute("CREATE DATABASE slipway_template").await.is_ok() {
        drop(SqlStore::open(&format!("{base}/slipway_template"), None).await.unwrap());
    }
    drop_ended(&mut admin).await;
    let name = format!("test_{}_{}", process::id(), WorkflowId::fresh());
    let copy = format!("CREATE DATABASE {name} TEMPLATE slipway_template");
    while admin.batch_execute(&copy).await.is_err() {
        // The template's last connection is still on its way out.
        tokio::task::yield_now().await;
    }
    admin.batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    format!("{base}/{name}")
}

/// Drops the databases of tests whose process has ended: all of them together fill a small disk.
async fn drop_ended(admin: &mut AsyncPgConnection) {
    let sql = "SELECT datname::text AS text FROM pg_database WHERE datname LIKE 'test\\_%'";
    let databases: Vec<Found> = sql_query(sql).load(admin).await.unwrap();
    for Found { text: name } in databases {
        let owner = name.split('_').nth(1).unwrap();
        if !Path::new("/proc").join(owner).exists() {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            admin.batch_execute(&drop).await.unwrap();
        }
    }
}
