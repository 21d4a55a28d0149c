//! Writes that go to PostgreSQL together with what comes next, or with the commit: what is read
//! sees them, and where one fails nothing is left of the transaction. Elsewhere they go at once.

use domain::{
    commerce::{Order, OrderStatus},
    events::{Author, EventFilter, EventType, NewEvent, Subject},
    ids::{OrderId, ProductId, TenantId, UserId},
    store::{Store, Transaction},
};
use persistence::SqlStore;
use serde_json::json;

use crate::support::Database;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_at_the_commit_leaves_nothing_and_spoils_nothing() {
    let database = Database::new().await;
    let store = SqlStore::open(&database.url, None).await.unwrap();

    // The first time, statements are prepared one after the other; then they go all at once.
    for _ in 0..3 {
        noted(&store).await.commit().await.unwrap();
        let mut tx = noted(&store).await;
        let written = tx.insert_order(&of_nobody()).await;
        let ended = match written {
            Ok(()) => tx.commit().await,
            Err(error) => Err(error),
        };
        assert!(ended.is_err());
    }

    let mut reader = store.read().await.unwrap();
    let events = reader.events_after(0, i64::MAX, &EventFilter::default(), 10).await.unwrap();
    assert_eq!(events.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_reads_what_it_has_written_and_takes_it_back() {
    let database = Database::new().await;
    let store = SqlStore::open(&database.url, None).await.unwrap();

    for _ in 0..3 {
        let mut tx = noted(&store).await;
        let seen = tx.events_after(0, i64::MAX, &EventFilter::default(), 10).await.unwrap();
        assert_eq!(seen.len(), 1);
        let (now, author) = (tx.now(), Author::default());
        tx.append(&[note()], &author, now).await.unwrap();
        tx.roll_back().await;
    }

    let mut reader = store.read().await.unwrap();
    let events = reader.events_after(0, i64::MAX, &EventFilter::default(), 10).await.unwrap();
    assert_eq!(events, []);
}

async fn noted(store: &SqlStore) -> Box<dyn Transaction> {
    let mut tx = store.write().await.unwrap();
    let now = tx.now();
    tx.append(&[note()], &Author::default(), now).await.unwrap();
    tx
}

fn note() -> NewEvent {
    NewEvent {
        event_type: EventType::LogRestored,
        subject: Subject { id: "log".to_owned(), parent_id: None },
        tenant_id: None,
        previous: None,
        data: json!({}),
    }
}

/// Its buyer, tenant and product do not exist, which the database does not take.
fn of_nobody() -> Order {
    let now = jiff::Timestamp::UNIX_EPOCH;
    Order {
        id: OrderId::fresh(),
        number: 1,
        user_id: UserId::fresh(),
        tenant_id: TenantId::fresh(),
        product_id: ProductId::fresh(),
        instance_name: "blog".to_owned(),
        instance_id: None,
        status: OrderStatus::Pending,
        amount: 0,
        refund_due: false,
        payment_reference: None,
        cancel_reason: None,
        created_at: now,
        updated_at: now,
        paid_at: None,
        cancelled_at: None,
        completed_at: None,
        version: 0,
    }
}
