use std::env;

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use domain::ids::WorkflowId;
use persistence::SqlStore;
use tempfile::TempDir;

/// A database of one test's own.
pub struct Database {
    pub url: String,
    /// Holds the file of an embedded one.
    pub folder: TempDir,
}

impl Database {
    /// Empty and migrated: a file, or a copy of a template where the suite runs on PostgreSQL.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match env::var("SLIPWAY_TEST_DATABASE") {
            Ok(server) => on_postgres(&server).await,
            Err(_) => format!("sqlite://{}", folder.path().join("slipway.db").display()),
        };
        Self { url, folder }
    }

    pub fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }
}

async fn on_postgres(server: &str) -> String {
    let (base, _) = server.rsplit_once('/').unwrap();
    let mut admin = AsyncPgConnection::establish(server).await.unwrap();
    // One test makes the template while the others wait.
    admin.batch_execute("SELECT pg_advisory_lock(4711)").await.unwrap();
    if admin.batch_execute("CREATE DATABASE slipway_template").await.is_ok() {
        drop(SqlStore::open(&format!("{base}/slipway_template"), None).await.unwrap());
    }
    let name = format!("test_{}", WorkflowId::fresh());
    let copy = format!("CREATE DATABASE {name} TEMPLATE slipway_template");
    while admin.batch_execute(&copy).await.is_err() {
        // The template's last connection is still on its way out.
        tokio::task::yield_now().await;
    }
    admin.batch_execute("SELECT pg_advisory_unlock(4711)").await.unwrap();
    format!("{base}/{name}")
}
