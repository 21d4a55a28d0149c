use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_tells_who_did_it_under_which_request() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let body = json!({
        "query": "mutation($p: ID!) {
            placeOrder(input: { productId: $p, instanceName: \"web\" }) { cursor order { id } } }",
        "variables": { "p": product },
    });
    let placed = ada.post(&body, &[("x-request-id", "req-7")]).await.ok()["placeOrder"].clone();

    let events = ada
        .send(
            "query($after: Cursor) { events(after: $after) { totalCount nodes {
                type requestId cause previousStatus actor { nickname } tenant { orgId }
                subject { id } data } } }",
            json!({ "after": placed["cursor"] }),
        )
        .await
        .ok()["events"]["nodes"]
        .clone();

    assert_eq!(events.as_array().unwrap().len(), 1);
    let event = &events[0];
    assert_eq!(event["type"], "ORDER_PLACED");
    assert_eq!(event["requestId"], "req-7");
    assert_eq!(event["actor"]["nickname"], "ada");
    assert_eq!(event["tenant"]["orgId"], "personal-2");
    assert_eq!(event["subject"]["id"], placed["order"]["id"]);
    assert_eq!(event["data"]["status"], "PENDING");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_paged_by_cursor_and_filtered() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, _, workflow) = ada.buy(&product, "web").await;
    app.run_tasks().await;
    let document = "query($after: Cursor, $filter: EventFilter) {
        events(first: 3, after: $after, filter: $filter) {
            totalCount edges { cursor node { type } } pageInfo { hasNextPage endCursor } } }";

    let (mut cursors, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = ada.send(document, json!({ "after": after })).await.ok()["events"].clone();
        let edges = page["edges"].as_array().unwrap().clone();
        cursors.extend(edges.iter().map(|edge| edge["cursor"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            assert_eq!(cursors.len() as i64, page["totalCount"].as_i64().unwrap());
            break;
        }
    }
    assert!(cursors.is_sorted() && cursors.len() > 10, "{cursors:?}");

    let of = async |filter: Value| {
        let reply = ada.send(document, json!({ "filter": filter })).await.ok();
        reply["events"]["totalCount"].as_i64().unwrap()
    };
    assert_eq!(of(json!({ "types": ["ORDER_PAID", "ORDER_COMPLETED"] })).await, 2);
    assert_eq!(of(json!({ "subjectId": order })).await, 3);
    assert!(of(json!({ "subjectId": workflow })).await > 10, "its tasks belong to it");
    let unknown = ada.send(document, json!({ "filter": { "types": ["ORDER_EATEN"] } })).await;
    assert_eq!(unknown.code(), "INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_crosses_tenants() {
    let app = TestApp::new().await;
    let (root, ada, eve) = (app.admin().await, app.user("ada").await, app.user("eve").await);
    let product = root.create_product("web:1").await;
    ada.buy(&product, "web").await;
    app.run_tasks().await;
    let all = "{ events(first: 100) { nodes { type tenant { orgId } } } }";

    let seen = eve.send(all, json!({})).await.ok()["events"]["nodes"].clone();
    let by_root = root.send(all, json!({})).await.ok()["events"]["nodes"].clone();

    let tenants: Vec<_> = seen.as_array().unwrap().iter().map(|e| &e["tenant"]["orgId"]).collect();
    assert!(tenants.iter().all(|tenant| **tenant == "personal-3"), "{tenants:?}");
    assert!(by_root.as_array().unwrap().len() > tenants.len() + 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_the_log_never_gave_is_refused() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let document = "query($after: Cursor) { events(after: $after) { totalCount } }";

    for bad in ["nonsense", "c00000000000000zz", "c0000000000ffffff"] {
        let reply = ada.send(document, json!({ "after": bad })).await;
        assert_eq!(reply.code(), "INVALID", "{bad}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_behind_what_is_kept_has_expired_and_says_which_has_not() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    ada.place_order(&product, "old").await.ok();
    let document = "query($after: Cursor) { events(after: $after) {
        edges { cursor } nodes { type data } } }";
    let old = ada.send(document, json!({})).await.ok()["events"]["edges"][0]["cursor"].clone();
    app.clock.advance(std::time::Duration::from_secs(31 * 24 * 3600));
    ada.place_order(&product, "new").await.ok();

    app.control_plane.forget_the_old().await.unwrap();

    let expired = ada.send(document, json!({ "after": old })).await;
    assert_eq!(expired.code(), "CURSOR_EXPIRED");
    let earliest = expired.extension("earliest").clone();
    let kept =
        ada.send(document, json!({ "after": earliest })).await.ok()["events"]["nodes"].clone();
    assert_eq!(kept.as_array().unwrap().len(), 1);
    assert_eq!(kept[0]["data"]["instanceName"], "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_event_is_kept_whatever_its_age() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let before = ada.send("{ cursor }", json!({})).await.ok();
    app.clock.advance(std::time::Duration::from_secs(365 * 24 * 3600));

    app.control_plane.forget_the_old().await.unwrap();
    app.user("eve").await;

    let cursor = app.control_plane.cursor().await.unwrap().to_string();
    assert!(cursor.as_str() > before["cursor"].as_str().unwrap(), "positions only grow");
}
