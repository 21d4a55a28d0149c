use domain::{
    delivery::{Route, Slot},
    error::ErrorCode,
    ids::EnvironmentId,
};
use serde_json::json;

use super::yard::Yard;

/// The addresses that the Service leads to.
async fn endpoints(yard: &Yard) -> Vec<String> {
    let slices = yard.all("discovery.k8s.io/v1", "EndpointSlice").await;
    let (_, slice) = &slices[0];
    let all = slice["endpoints"].as_array().cloned().unwrap_or_default();
    all.iter().map(|it| it["targetRef"]["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn traffic_goes_to_one_slot_and_back_in_one_apply() {
    let yard = Yard::new().await;
    for (slot, image) in [(Slot::Blue, "api:v1"), (Slot::Green, "api:v2")] {
        yard.stand(&yard.release(slot, image)).await;
    }
    let before = yard.site.routed(&yard.place).await.unwrap();

    let mut seen = Vec::new();
    for slot in [Slot::Blue, Slot::Green, Slot::Blue] {
        yard.route(slot).await;
        assert_eq!(yard.site.routed(&yard.place).await.unwrap(), Some(slot));
        seen.push(endpoints(&yard).await);
    }

    assert_eq!(before, None);
    assert!(seen[0].iter().all(|pod| pod.starts_with("api-blue-")), "{seen:?}");
    assert!(seen[1].iter().all(|pod| pod.starts_with("api-green-")), "{seen:?}");
    assert_eq!((seen[0].len(), seen[1].len(), &seen[0]), (2, 2, &seen[2]));
}

#[tokio::test]
async fn a_route_that_is_there_already_changes_nothing() {
    let yard = Yard::new().await;
    yard.stand(&yard.release(Slot::Blue, "api:v1")).await;
    let services = async || json!(yard.all("v1", "Service").await);
    yard.route(Slot::Blue).await;
    let before = services().await;

    yard.route(Slot::Blue).await;

    assert_eq!(services().await, before);
}

#[tokio::test]
async fn a_service_of_somebody_else_is_neither_taken_nor_removed() {
    let yard = Yard::new().await;
    yard.stand(&yard.release(Slot::Blue, "api:v1")).await;
    yard.route(Slot::Blue).await;
    let mut stranger = yard.place.clone();
    stranger.environment_id = EnvironmentId::fresh();

    let route = Route { place: stranger.clone(), slot: Slot::Green };
    let refused = yard.site.route(&route).await;
    yard.site.remove_route(&stranger).await.unwrap();

    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Forbidden));
    assert_eq!(yard.site.routed(&stranger).await.unwrap(), None);
    assert_eq!(yard.site.routed(&yard.place).await.unwrap(), Some(Slot::Blue));
    yard.site.remove_route(&yard.place).await.unwrap();
    yard.site.remove_route(&yard.place).await.unwrap();
    assert_eq!(yard.names("v1", "Service").await, Vec::<String>::new());
}
