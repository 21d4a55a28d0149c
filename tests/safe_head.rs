//! The log's order on PostgreSQL: nothing may appear behind a reader, whatever order transactions
//! take their numbers, draw their positions and commit in.

use std::time::{Duration, Instant};

use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use domain::store::Store;

use crate::support::TestApp;

/// A transaction of somebody else's, step by step.
struct Writer(AsyncPgConnection);

impl Writer {
    async fn begin(url: &str) -> Self {
        let mut conn = AsyncPgConnection::establish(url).await.unwrap();
        conn.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
        Self(conn)
    }

    async fn append(&mut self) -> i64 {
        #[derive(diesel::QueryableByName)]
        struct Drawn {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            position: i64,
        }
        let sql = "INSERT INTO events (event_type, subject_id, at, data) \
                   VALUES ('ORDER_PLACED', 'ord', 0, '{}') RETURNING position";
        let drawn: Drawn = diesel::sql_query(sql).get_result(&mut self.0).await.unwrap();
        drawn.position
    }

    async fn end(mut self, how: &str) {
        self.0.batch_execute(how).await.unwrap();
    }
}

/// Looks until the head is there, as it must be once nobody can fill a gap. Transactions of other
/// databases of the same server count too, and end in their own time.
async fn reaches(app: &TestApp, expected: i64) {
    let patience = Instant::now() + Duration::from_secs(30);
    while app.store.safe_head().await.unwrap() != expected {
        assert!(Instant::now() < patience, "the head does not come to {expected}");
        tokio::task::yield_now().await;
    }
}

/// Looks until the head stops moving.
async fn head(app: &TestApp) -> i64 {
    let mut head = app.store.safe_head().await.unwrap();
    loop {
        let next = app.store.safe_head().await.unwrap();
        if next == head {
            return head;
        }
        head = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_waits_for_the_transaction_that_drew_first_and_commits_last() {
    let app = TestApp::new().await;
    if !app.database.is_postgres() {
        return;
    }
    let start = head(&app).await;
    let mut first = Writer::begin(&app.database.url).await;
    let mut second = Writer::begin(&app.database.url).await;
    assert_eq!((first.append().await, second.append().await), (start + 1, start + 2));

    second.end("COMMIT").await;
    let held = head(&app).await;
    first.end("COMMIT").await;

    assert_eq!(held, start);
    reaches(&app, start + 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_waits_where_the_later_transaction_drew_first() {
    let app = TestApp::new().await;
    if !app.database.is_postgres() {
        return;
    }
    let start = head(&app).await;
    let mut early = Writer::begin(&app.database.url).await;
    let mut late = Writer::begin(&app.database.url).await;
    assert_eq!((late.append().await, early.append().await), (start + 1, start + 2));

    early.end("COMMIT").await;
    let held = head(&app).await;
    late.end("COMMIT").await;

    assert_eq!(held, start);
    reaches(&app, start + 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_passes_what_was_rolled_back_once_nobody_can_fill_it() {
    let app = TestApp::new().await;
    if !app.database.is_postgres() {
        return;
    }
    let start = head(&app).await;
    let mut lost = Writer::begin(&app.database.url).await;
    let bystander = Writer::begin(&app.database.url).await;
    let mut kept = Writer::begin(&app.database.url).await;
    lost.append().await;
    kept.append().await;
    kept.end("COMMIT").await;
    lost.end("ROLLBACK").await;

    let held = head(&app).await;
    bystander.end("COMMIT").await;

    assert_eq!(held, start);
    reaches(&app, start + 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_position_appears_behind_a_reader_under_many_writers() {
    let app = TestApp::new().await;
    let product = app.admin().await.create_product("web:1").await;
    let mut buyers = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        buyers.push(app.user(name).await);
    }
    let start = head(&app).await;

    let writing = futures::future::join_all(buyers.iter().map(async |buyer| {
        for place in 0..10 {
            // Every third is refused after it has written: its positions are never seen.
            let name = if place % 3 == 2 { "Web".to_owned() } else { format!("web{place}") };
            buyer.place_order(&product, &name).await;
        }
    }));
    let everything = domain::events::EventFilter::default();
    let mut seen = Vec::new();
    let reading = async {
        let mut position = start;
        while seen.len() < 42 {
            let head = app.control_plane.cursor().await.unwrap();
            let cursor = domain::events::Cursor(position);
            let events =
                app.control_plane.events_between(cursor, head, &everything, 7).await.unwrap();
            seen.extend(events.iter().map(|event| event.position));
            position = seen.last().copied().unwrap_or(position);
        }
    };
    futures::join!(writing, reading);

    let cursor = domain::events::Cursor(start);
    let head = app.control_plane.cursor().await.unwrap();
    let all = app.control_plane.events_between(cursor, head, &everything, 1000).await.unwrap();
    let all: Vec<_> = all.iter().map(|event| event.position).collect();
    assert_eq!(seen, all);
}
