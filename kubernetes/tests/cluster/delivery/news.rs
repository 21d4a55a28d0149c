use std::time::Duration;

use domain::{
    delivery::Slot,
    ids::DeploymentId,
    runtime::{Observation, Runtime, Target},
};
use futures::{StreamExt, stream::BoxStream};
use kubernetes::KubernetesRuntime;

use super::yard::Yard;

/// The watch of the platform's cluster, once it is open.
async fn watch(yard: &Yard) -> BoxStream<'static, Observation> {
    let target = Target { name: "test".to_owned(), simulated: true };
    let mut watch = KubernetesRuntime::new(yard.client.clone(), target).watch();
    for _ in 0..4 {
        watch.next().await.unwrap();
    }
    watch
}

/// The deployment that the watch speaks of next.
async fn told(watch: &mut BoxStream<'static, Observation>) -> DeploymentId {
    let news = watch.filter_map(async |observation| match observation {
        Observation::Delivery(id) => Some(id),
        _ => None,
    });
    let mut news = std::pin::pin!(news);
    let soon = tokio::time::timeout(Duration::from_secs(30), news.next()).await;
    soon.expect("it comes soon").expect("a watch never ends")
}

#[tokio::test]
async fn the_end_of_a_job_is_news_of_its_deployment() {
    let yard = Yard::new().await;
    let mut watch = watch(&yard).await;

    yard.start(&yard.build("Dockerfile.fail")).await;
    yard.advance(30);

    assert_eq!(told(&mut watch).await, yard.deployment);
}

#[tokio::test]
async fn a_release_that_stands_or_cannot_is_news_of_its_deployment() {
    for image in ["api:v1", "nopull:v1"] {
        let yard = Yard::new().await;
        let mut watch = watch(&yard).await;

        yard.stand(&yard.release(Slot::Blue, image)).await;

        assert_eq!(told(&mut watch).await, yard.deployment, "{image}");
    }
}

#[tokio::test]
async fn a_pod_that_is_gone_is_news_of_its_deployment() {
    let yard = Yard::new().await;
    yard.stand(&yard.release(Slot::Blue, "api:v1")).await;
    let mut watch = watch(&yard).await;

    yard.site.remove_release(&yard.place, Slot::Blue).await.unwrap();
    yard.advance(30);

    assert_eq!(told(&mut watch).await, yard.deployment);
    assert!(yard.site.remove_release(&yard.place, Slot::Blue).await.unwrap());
}
