//! The store's clock is set forward and back.

use std::time::Duration;

use domain::{Settings, ids::ProcessId};
use jiff::SignedDuration;
use serde_json::json;
use simulator::{Calls, Fault};
use tokio::time::{sleep, timeout};

use crate::support::{Client, TestApp};

const HOUR: Duration = Duration::from_secs(3_600);
const PATIENCE: Duration = Duration::from_secs(60);

/// Two processes work while the store's clock leaves theirs behind a hundredfold, so that every
/// lease seems over at once, and the cluster leaves one of them without an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_ahead_takes_no_task_from_who_is_at_it() {
    let settings = || Settings {
        task_lease: SignedDuration::from_secs(3),
        task_deadline: SignedDuration::from_hours(100),
        ..Settings::default()
    };
    let mut first = TestApp::with(settings()).await;
    let mut second = first.beside_with(settings()).await;
    let (root, ada) = (first.admin().await, first.user("ada").await);
    let product = root.create_product("web:1").await;
    first.cluster.faults().fail_matching(Calls::of("patch"), 1, Fault::Silence);
    let (order, _, workflow) = ada.buy(&product, "web").await;

    first.live().await;
    second.live().await;
    timeout(PATIENCE, until_completed(&ada, &order)).await.unwrap();

    let workflow = ada.workflow(&workflow).await;
    assert!(!workflow.to_string().contains("its worker was lost"), "{workflow}");
}

async fn until_completed(client: &Client, order: &str) {
    while client.order(order).await["status"] != "COMPLETED" {
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_ids_and_positions_go_on_whatever_the_clock_does() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (mut numbers, mut ids) = (Vec::<i64>::new(), Vec::new());

    for place in 0..30 {
        match place {
            10 => app.clock.set_back(HOUR),
            20 => app.clock.advance(3 * HOUR),
            _ => {}
        }
        let placed = ada.place_order(&product, &format!("web{place}")).await.ok();
        let order = &placed["placeOrder"]["order"];
        numbers.push(order["number"].as_str().unwrap().parse().unwrap());
        ids.push(order["id"].as_str().unwrap().to_owned());
    }

    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let document = r#"{ events(first: 100, filter: { types: ["ORDER_PLACED"] }) { nodes { subject { id } } } }"#;
    let told = ada.send(document, json!({})).await.ok();
    let told = told["events"]["nodes"].as_array().unwrap();
    let told: Vec<_> = told.iter().map(|event| event["subject"]["id"].as_str().unwrap()).collect();
    assert_eq!(told, ids);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_leased_before_the_clock_was_set_back_is_taken_over_all_the_same() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, ..) = ada.buy(&product, "web").await;
    let lost = app.control_plane.claim_task().await.unwrap().unwrap();
    app.clock.set_back(HOUR);

    app.control_plane.bring_tasks_forward().await.unwrap();
    let at_once = app.control_plane.claim_task().await.unwrap();
    app.advance(Duration::from_secs(61));
    let later = app.control_plane.claim_task().await.unwrap().unwrap();
    app.control_plane.run_claimed(later.clone()).await.unwrap();
    app.run_tasks().await;

    assert!(at_once.is_none(), "whoever lives has the time to prolong");
    assert_eq!(later.task.id, lost.task.id);
    assert_eq!(ada.order(&order).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_to_observe_from_before_the_clock_was_set_back_is_void() {
    let first = TestApp::new().await;
    let second = first.beside().await;
    let stalled = first.control_plane.lease_observer(ProcessId::fresh()).await.unwrap().unwrap();
    first.clock.set_back(HOUR);

    let fresh = second.control_plane.lease_observer(ProcessId::fresh()).await.unwrap().unwrap();

    assert!(fresh.fence > stalled.fence);
}
