use std::time::Duration;

use domain::{
    commerce::Gpu,
    runtime::{Runtime, Workload},
};

use crate::bench::{Bench, workload};

#[tokio::test]
async fn what_was_never_applied_has_no_rollout() {
    let bench = Bench::new();

    let rollout = bench.runtime.rollout(&workload("web").place).await.unwrap();

    assert_eq!(rollout, None);
}

#[tokio::test]
async fn failing_images_say_how_they_fail() {
    for (image, reason) in
        [("crash", "CrashLoopBackOff"), ("oom", "OOMKilled"), ("nopull", "ImagePullBackOff")]
    {
        let bench = Bench::new();
        let failing = workload(image);

        bench.stand(&failing).await;

        assert!(!bench.rollout(&failing).await.complete, "{image}");
        assert_eq!(bench.trouble(&failing).await.as_deref(), Some(reason), "{image}");
    }
}

#[tokio::test]
async fn a_failing_image_is_never_complete_on_the_way() {
    for image in ["crash", "oom", "nopull"] {
        let bench = Bench::new();
        let failing = workload(image);
        bench.apply(&failing).await;

        for _ in 0..100 {
            bench.cluster.advance(Duration::from_millis(200));
            assert!(!bench.rollout(&failing).await.complete, "{image}");
        }
    }
}

#[tokio::test]
async fn a_pod_that_no_node_has_room_for_is_unschedulable() {
    let bench = Bench::new();
    let mut large = workload("web");
    large.spec.gpu = Some(Gpu { kind: 1, count: 64 });

    bench.stand(&large).await;

    assert_eq!(bench.trouble(&large).await.as_deref(), Some("Unschedulable"));
}

#[tokio::test]
async fn a_stop_is_complete_once_the_pods_are_gone() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    let stopped = Workload { replicas: 0, ..web };

    bench.apply(&stopped).await;
    let at_once = bench.rollout(&stopped).await;
    bench.advance(60);
    let later = bench.rollout(&stopped).await;

    assert!(!at_once.complete);
    assert!(later.complete);
    assert_eq!((later.ready, later.wanted), (0, 0));
}

#[tokio::test]
async fn a_restart_token_replaces_the_pods() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    let before = bench.remains(&web).await;
    let restarted = Workload { restart_token: Some("t2".to_owned()), ..web };

    bench.apply(&restarted).await;
    let at_once = bench.rollout(&restarted).await;
    bench.advance(60);
    let after = bench.remains(&restarted).await;

    assert!(!at_once.complete);
    assert!(bench.rollout(&restarted).await.complete);
    assert_eq!(before[..3], after[..3]);
    assert_ne!(before[3..], after[3..]);
}

#[tokio::test]
async fn a_rollout_that_hangs_keeps_the_old_pod_and_says_why() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    let mut broken = web.clone();
    broken.spec.image = "registry.example/nopull:2.0".to_owned();

    bench.stand(&broken).await;

    let rollout = bench.rollout(&broken).await;
    assert_eq!((rollout.complete, rollout.ready), (false, 1));
    assert_eq!(bench.trouble(&broken).await.as_deref(), Some("ImagePullBackOff"));
}
