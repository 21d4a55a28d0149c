use super::{
    known::{Extent, KNOWN},
    scripts::played,
};

/// Everything recorded holds, but for what is known to differ, which really does.
async fn holds(recording: u8) {
    let played = played(recording).await;
    let mut differences = played.differences.clone();
    let mut wrong = Vec::new();
    for (_, exchange, extent, _) in KNOWN.iter().filter(|(number, ..)| *number == recording) {
        let differs = differences.remove(exchange).is_some();
        let fares_otherwise = played.other_statuses.contains(exchange);
        if !differs || fares_otherwise != matches!(extent, Extent::Status) {
            wrong.push(*exchange);
        }
    }
    let list: Vec<String> = differences
        .iter()
        .map(|(exchange, found)| format!("{recording:02}#{exchange}\n  {}", found.join("\n  ")))
        .collect();
    assert!(list.is_empty(), "{}", list.join("\n"));
    assert_eq!(wrong, Vec::<usize>::new(), "these do not differ as they are known to");
}

#[tokio::test]
async fn recording_01_discovery() {
    holds(1).await;
}

#[tokio::test]
async fn recording_02_namespaces() {
    holds(2).await;
}

#[tokio::test]
async fn recording_03_server_side_apply() {
    holds(3).await;
}

#[tokio::test]
async fn recording_04_deployment_rollout() {
    holds(4).await;
}

#[tokio::test]
async fn recording_05_scale_and_restart() {
    holds(5).await;
}

#[tokio::test]
async fn recording_06_rolling_update() {
    holds(6).await;
}

#[tokio::test]
async fn recording_07_failures() {
    holds(7).await;
}

#[tokio::test]
async fn recording_08_services_and_ingress() {
    holds(8).await;
}

#[tokio::test]
async fn recording_09_stateful_set() {
    holds(9).await;
}

#[tokio::test]
async fn recording_10_quota_and_limits() {
    holds(10).await;
}

#[tokio::test]
async fn recording_11_jobs() {
    holds(11).await;
}

#[tokio::test]
async fn recording_12_lists_and_watches() {
    holds(12).await;
}

#[tokio::test]
async fn recording_13_deletes() {
    holds(13).await;
}

#[tokio::test]
async fn recording_14_callers_and_rights() {
    holds(14).await;
}

#[tokio::test]
async fn recording_15_concurrency_and_patches() {
    holds(15).await;
}

#[tokio::test]
async fn recording_16_config_secrets_and_logs() {
    holds(16).await;
}

#[tokio::test]
async fn recording_17_tables_and_metadata() {
    holds(17).await;
}
