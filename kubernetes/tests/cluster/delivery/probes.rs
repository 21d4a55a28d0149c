use std::time::Duration;

use domain::{
    delivery::{Probe, ProbeAnswer, Slot},
    error::ErrorCode,
};
use jiff::SignedDuration;
use simulator::{Calls, Fault};

use super::yard::Yard;

fn probe(yard: &Yard, path: &str) -> Probe {
    Probe {
        place: yard.place.clone(),
        slot: Slot::Green,
        port: 3000,
        path: path.to_owned(),
        timeout: SignedDuration::from_secs(5),
    }
}

#[tokio::test]
async fn a_release_answers_without_having_the_traffic() {
    let yard = Yard::new().await;
    let ask = async |path: &str| yard.site.probe(&probe(&yard, path)).await.unwrap();
    let before = ask("/healthz").await;
    yard.stand(&yard.release(Slot::Blue, "api:http500")).await;
    yard.stand(&yard.release(Slot::Green, "api:v1")).await;
    yard.route(Slot::Blue).await;

    assert_eq!(before, ProbeAnswer::Silent("no pod is ready".to_owned()));
    assert_eq!(ask("/healthz?deep=1").await, ProbeAnswer::Status(200));
    assert_eq!(ask("/status/503").await, ProbeAnswer::Status(503));
    assert_eq!(ask("/status/302").await, ProbeAnswer::Status(302));
}

#[tokio::test]
async fn what_the_api_server_says_is_not_the_applications_answer() {
    let yard = Yard::new().await;
    yard.stand(&yard.release(Slot::Green, "api:v1")).await;

    let other_port = Probe { port: 4000, ..probe(&yard, "/") };
    let answer = yard.site.probe(&other_port).await.unwrap();

    let ProbeAnswer::Silent(why) = answer else { panic!("{answer:?}") };
    assert!(why.starts_with("error trying to reach service: dial tcp"), "{why}");
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_refused_before_anything_is_asked() {
    let yard = Yard::new().await;
    yard.stand(&yard.release(Slot::Green, "api:v1")).await;

    for path in ["/../../secrets", "/%2e%2e/secrets", "healthz", "/a b"] {
        let refused = yard.site.probe(&probe(&yard, path)).await;
        assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Invalid), "{path}");
    }
    let asked = yard.cluster.accesses();
    assert!(asked.keys().all(|access| access.resource != "pods/proxy"), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let yard = Yard::new().await;
    yard.stand(&yard.release(Slot::Green, "api:v1")).await;
    let asked = async |fault| {
        yard.cluster.faults().fail_matching(Calls::to("get", "pods"), 1, fault);
        yard.site.probe(&probe(&yard, "/")).await
    };

    let silent = asked(Fault::Silence).await.unwrap();
    let broken = asked(Fault::LostAnswer).await.unwrap();
    let busy = asked(Fault::Status(429, Some(Duration::from_secs(1)))).await;

    assert_eq!(silent, ProbeAnswer::Silent("no answer within 5s".to_owned()));
    assert!(matches!(broken, ProbeAnswer::Silent(why) if why.starts_with("the answer broke off")));
    assert!(busy.is_err_and(|error| error.retryable()));
}
