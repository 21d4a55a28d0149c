use std::time::Duration;

use domain::{
    delivery::{Release, Secrets, Slot},
    error::ErrorCode,
    ids::{DeploymentId, EnvironmentId},
};
use simulator::{Calls, Fault};

use super::yard::{Yard, secrets};

#[tokio::test]
async fn a_release_comes_to_run_and_says_whose_it_is() {
    let yard = Yard::new().await;
    let release = yard.release(Slot::Blue, "api:v1");

    yard.site.apply_release(&release, &secrets()).await.unwrap();
    let at_once = yard.rollout(Slot::Blue).await.unwrap();
    yard.advance(60);
    let later = yard.rollout(Slot::Blue).await.unwrap();

    assert!(!at_once.complete);
    assert!(later.complete, "{later:?}");
    assert_eq!((later.ready, later.wanted, later.trouble), (2, 2, None));
    assert_eq!(later.deployment_id, Some(yard.deployment));
    assert_eq!(yard.names("apps/v1", "Deployment").await, ["api-blue"]);
    assert_eq!(yard.names("v1", "Secret").await, ["api-blue", "api-blue-registry"]);
    assert_eq!(yard.rollout(Slot::Green).await, None);
}

#[tokio::test]
async fn another_deployment_replaces_the_pods_and_the_same_one_does_not() {
    let yard = Yard::new().await;
    let release = yard.release(Slot::Blue, "api:v1");
    yard.stand(&release).await;
    let pods = yard.names("v1", "Pod").await;

    yard.stand(&release).await;
    let same = yard.names("v1", "Pod").await;
    let next = Release { deployment_id: DeploymentId::fresh(), ..release };
    yard.stand(&next).await;
    let replaced = yard.names("v1", "Pod").await;

    assert_eq!(same, pods);
    assert!(replaced.iter().all(|pod| !pods.contains(pod)), "{replaced:?}");
    let rollout = yard.rollout(Slot::Blue).await.unwrap();
    assert_eq!((rollout.complete, rollout.deployment_id), (true, Some(next.deployment_id)));
}

#[tokio::test]
async fn a_rolling_update_keeps_as_many_as_it_must() {
    let yard = Yard::new().await;
    let mut release = yard.release(Slot::Blue, "api:v1");
    release.replicas = 4;
    yard.stand(&release).await;
    let broken =
        Release { image: "registry.example/nopull:2".to_owned(), max_unavailable: 1, ..release };

    yard.stand(&broken).await;

    let rollout = yard.rollout(Slot::Blue).await.unwrap();
    assert_eq!((rollout.complete, rollout.ready, rollout.wanted), (false, 3, 4));
    assert_eq!(rollout.trouble.unwrap().reason, "ImagePullBackOff");
}

#[tokio::test]
async fn secrets_that_are_not_needed_any_more_go() {
    let yard = Yard::new().await;
    let release = yard.release(Slot::Blue, "api:v1");
    yard.site.apply_release(&release, &secrets()).await.unwrap();
    let registry_only = Secrets { environment: None, ..secrets() };

    yard.site.apply_release(&release, &registry_only).await.unwrap();
    let one = yard.names("v1", "Secret").await;
    yard.site.apply_release(&release, &Secrets::default()).await.unwrap();

    assert_eq!(one, ["api-blue-registry"]);
    assert_eq!(yard.names("v1", "Secret").await, Vec::<String>::new());
    yard.advance(60);
    assert!(yard.rollout(Slot::Blue).await.unwrap().complete);
}

#[tokio::test]
async fn one_slot_goes_with_its_pods_and_the_other_stays() {
    let yard = Yard::new().await;
    for slot in Slot::ALL {
        let release = yard.release(*slot, "api:v1");
        yard.site.apply_release(&release, &secrets()).await.unwrap();
    }
    yard.advance(60);

    let removed = async || yard.site.remove_release(&yard.place, Slot::Blue).await.unwrap();
    let at_once = removed().await;
    yard.advance(60);

    assert_eq!((at_once, removed().await), (false, true));
    assert_eq!(yard.names("apps/v1", "Deployment").await, ["api-green"]);
    assert_eq!(yard.names("v1", "Secret").await, ["api-green", "api-green-registry"]);
    assert_eq!(yard.names("v1", "Pod").await.len(), 2);
    assert!(yard.rollout(Slot::Green).await.unwrap().complete);
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_left_alone() {
    let yard = Yard::new().await;
    let release = yard.release(Slot::Blue, "api:v1");
    yard.stand(&release).await;
    let mut stranger = release.clone();
    stranger.place.environment_id = EnvironmentId::fresh();

    let refused = yard.site.apply_release(&stranger, &Secrets::default()).await.unwrap_err();
    let removed = yard.site.remove_release(&stranger.place, Slot::Blue).await.unwrap();

    assert_eq!(refused.code(), ErrorCode::Forbidden);
    assert!(refused.to_string().starts_with("Deployment api-blue in slipway-acme-prod"));
    assert!(removed);
    assert_eq!(yard.site.rollout(&stranger.place, Slot::Blue).await.unwrap(), None);
    assert!(yard.rollout(Slot::Blue).await.unwrap().complete);
}

#[tokio::test(start_paused = true)]
async fn failures_of_the_cluster_are_overcome() {
    let yard = Yard::new().await;
    let release = yard.release(Slot::Blue, "api:v1");
    let busy = Fault::Status(429, Some(Duration::from_secs(1)));
    for fault in [Fault::LostAnswer, busy, Fault::Status(500, None)] {
        for verb in ["get", "patch", "delete"] {
            yard.cluster.faults().fail_matching(Calls::of(verb), 2, fault.clone());
            yard.site.apply_release(&release, &secrets()).await.unwrap();
        }
        yard.cluster.faults().clear();
    }
    yard.advance(60);

    assert!(yard.rollout(Slot::Blue).await.unwrap().complete);
    assert_eq!(yard.names("v1", "Pod").await.len(), 2);
}
