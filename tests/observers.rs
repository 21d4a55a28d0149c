//! Several processes on one store, of which one at a time takes in what the cluster shows.

use std::time::Duration;

use domain::{Error, ids::ProcessId, runtime::Observation};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn one_process_observes_until_its_lease_runs_out() {
    let first = TestApp::new().await;
    let second = first.beside().await;
    let (one, two) = (ProcessId::fresh(), ProcessId::fresh());

    let observer = first.control_plane.lease_observer(one).await.unwrap().unwrap();
    let meanwhile = second.control_plane.lease_observer(two).await.unwrap();
    first.advance(Duration::from_secs(20));
    let prolonged = first.control_plane.lease_observer(one).await.unwrap();
    first.advance(Duration::from_secs(20));
    let too_early = second.control_plane.lease_observer(two).await.unwrap();
    first.advance(Duration::from_secs(11));
    let taken_over = second.control_plane.lease_observer(two).await.unwrap().unwrap();
    let too_late = first.control_plane.lease_observer(one).await.unwrap();

    assert_eq!((meanwhile, too_early, too_late), (None, None, None));
    assert_eq!(prolonged, Some(observer));
    assert!(taken_over.fence > observer.fence);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_thought_dead_records_nothing() {
    let first = TestApp::new().await;
    let second = first.beside().await;
    let stalled = first.control_plane.lease_observer(ProcessId::fresh()).await.unwrap().unwrap();
    first.control_plane.observe(stalled, Observation::Connected).await.unwrap();
    first.advance(Duration::from_secs(31));
    let fresh = second.control_plane.lease_observer(ProcessId::fresh()).await.unwrap().unwrap();
    second.control_plane.observe(fresh, Observation::Connected).await.unwrap();

    let refused = first.control_plane.observe(stalled, Observation::Disconnected).await;

    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert!(second.control_plane.targets().await.unwrap()[0].1, "it is still connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_given_back_is_free_at_once() {
    let first = TestApp::new().await;
    let second = first.beside().await;
    let (one, two) = (ProcessId::fresh(), ProcessId::fresh());
    first.control_plane.lease_observer(one).await.unwrap().unwrap();

    first.control_plane.release_observer(one).await.unwrap();

    assert!(second.control_plane.lease_observer(two).await.unwrap().is_some());
}
