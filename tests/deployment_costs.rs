//! What a deployment's tasks cost while the cluster is watched: in how many turns they run, and how
//! many statements those take.

use std::{collections::BTreeMap, time::Duration};

use domain::ids::ProcessId;
use futures::StreamExt;
use serde_json::json;
use tokio::time::timeout;

use crate::support::Shop;

#[derive(Default)]
struct Cost {
    tasks: u64,
    turns: u64,
    statements: u64,
}

/// Runs all that is left to do, while the cluster is watched; answers by the kinds of tasks.
async fn costs(shop: &Shop) -> BTreeMap<String, Cost> {
    let control_plane = &shop.app.control_plane;
    let observer = control_plane.begin_observing(ProcessId::fresh()).await.unwrap().unwrap();
    let mut observations = control_plane.observations();
    let a_moment = Duration::from_millis(80);
    let mut costs: BTreeMap<String, Cost> = BTreeMap::new();
    while control_plane.next_task_due().await.unwrap().is_some() {
        while let Ok(seen) = timeout(a_moment, observations.next()).await {
            control_plane.observe(observer, seen.unwrap()).await.unwrap();
        }
        loop {
            let before = shop.app.store.statements();
            let Some(claim) = control_plane.claim_task().await.unwrap() else { break };
            let cost = costs.entry(claim.task.kind.clone()).or_default();
            cost.tasks += u64::from(claim.task.memo.is_none() && claim.task.wait_reason.is_none());
            control_plane.run_claimed(claim).await.unwrap();
            cost.turns += 1;
            cost.statements += shop.app.store.statements() - before;
        }
        shop.app.advance(Duration::from_millis(500));
    }
    costs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_a_deployment_costs_few_turns_and_statements() {
    let shop = Shop::open().await;
    let config = json!({ "testCommand": "true", "cleanupDelaySeconds": 1 });
    let api = shop.ada.create_application("api", config).await;
    let rolling = shop.deploy(1, &[&api], "ROLLING").await;
    let blue_green = shop.deploy(2, &[&api], "BLUE_GREEN").await;

    let costs = costs(&shop).await;

    for deployment in [rolling, blue_green] {
        assert_eq!(shop.status(&deployment).await, "SUCCESS");
    }
    for (kind, Cost { tasks, turns, statements }) in &costs {
        eprintln!("{kind}: {tasks} tasks, {turns} turns, {statements} statements");
    }
    for (kind, most) in [
        // Started, ended.
        ("build", 2),
        ("test", 2),
        // Applied, complete.
        ("deploy", 2),
        ("deploy_green", 2),
        ("health_check", 1),
        ("switch_traffic", 1),
        // Begun to wait, removed, gone.
        ("cleanup_blue", 3),
    ] {
        let Cost { tasks, turns, .. } = costs[kind];
        assert!(turns <= most * tasks, "{kind}: {turns} turns for {tasks} tasks");
    }
    let sum = |of: fn(&Cost) -> u64| costs.values().map(of).sum::<u64>();
    let (turns, statements) = (sum(|it| it.turns), sum(|it| it.statements));
    assert!(statements <= 26 * turns, "{statements} statements in {turns} turns");
}
