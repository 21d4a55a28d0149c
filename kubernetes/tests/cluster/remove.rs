use domain::{ids::InstanceId, runtime::Runtime};

use crate::bench::{Bench, workload};

#[tokio::test]
async fn what_is_removed_goes_pods_and_all() {
    let bench = Bench::new();
    let web = workload("web");
    bench.stand(&web).await;
    let before = bench.remains(&web).await;

    bench.runtime.remove(&web.place).await.unwrap();
    let at_once = bench.remains(&web).await;
    bench.advance(60);
    let later = bench.remains(&web).await;

    assert_eq!(before[..3], ["Deployment web", "Service web", "Ingress web"]);
    assert!(before[3].starts_with("Pod web-"), "{before:?}");
    assert_eq!(at_once, before[3..]);
    assert!(later.is_empty(), "{later:?}");
}

#[tokio::test]
async fn removing_what_is_not_there_is_fine() {
    let bench = Bench::new();
    let web = workload("web");

    bench.runtime.remove(&web.place).await.unwrap();

    assert!(bench.remains(&web).await.is_empty());
}

#[tokio::test]
async fn an_earlier_instance_of_the_name_leaves_the_later_one_alone() {
    let bench = Bench::new();
    let later = workload("web");
    let mut earlier = later.clone();
    earlier.place.instance_id = InstanceId::fresh();
    bench.stand(&later).await;

    bench.runtime.remove(&earlier.place).await.unwrap();

    assert!(bench.remains(&earlier).await.is_empty());
    assert_eq!(bench.runtime.rollout(&earlier.place).await.unwrap(), None);
    assert_eq!(bench.remains(&later).await.len(), 4);
}
