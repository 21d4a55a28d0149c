use serde_json::json;

use crate::support::TestApp;

/// The selection of the front page, from an order to the log line.
const SELECTION: &str = "
    status amount product { name }
    instance { name status whyNotRunning { code message } network { endpointUrl }
        runtime { phase readyReplicas totalReplicas observedAt } pods { name phase restarts }
        workflows(first: 1) { nodes { status queuePosition blockedBy { id } tasks { name status
            dependsOn { name } attempts { number status } log { text } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_orders_cost_as_many_statements_as_one() {
    let mut app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    for place in 0..100 {
        ada.buy(&product, &format!("web{place}")).await;
        app.clock.advance(std::time::Duration::from_millis(1));
    }
    for _ in 0..300 {
        app.control_plane.run_next_task().await.unwrap();
    }
    app.quiet().await;
    let document = format!("query($n: Int) {{ orders(first: $n) {{ nodes {{ {SELECTION} }} }} }}");
    let once = async |first: i32| {
        let before = app.store.statements();
        let reply = ada.send(&document, json!({ "n": first })).await.ok();
        let found = reply["orders"]["nodes"].as_array().unwrap().len();
        (found, app.store.statements() - before)
    };
    // The least of several, for every two seconds one of them also looks the caller up.
    let cost = async |first| {
        [once(first).await, once(first).await, once(first).await].into_iter().min().unwrap()
    };

    let (one, of_one) = cost(1).await;
    let (hundred, of_hundred) = cost(100).await;

    assert_eq!((one, hundred), (1, 100));
    assert_eq!(of_one, of_hundred);
    assert!(of_hundred <= 16, "{of_hundred} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_query_reaches_from_an_order_to_the_log_line_that_failed() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("crash:1").await;
    let (order, ..) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let document = format!("query($id: ID!) {{ cursor order(id: $id) {{ {SELECTION} }} }}");

    let reply = ada.send(&document, json!({ "id": order })).await.ok();

    let tasks = reply["order"]["instance"]["workflows"]["nodes"][0]["tasks"].clone();
    let named = |name: &str| {
        tasks.as_array().unwrap().iter().find(|task| task["name"] == name).unwrap().clone()
    };
    assert_eq!(named("await_rollout")["status"], "FAILED");
    assert_eq!(
        named("apply_deployment")["log"]["text"],
        "Deployment web applied in slipway-personal-2--instances\n"
    );
    assert_eq!(named("await_removal")["log"]["text"], "nothing is left\n");
    assert_eq!(reply["order"]["instance"]["network"], json!(null));
}
