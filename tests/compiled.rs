//! Queries that are answered without the engine say what the engine says, to the letter.

use api::{config::Door, http::Routes};
use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{Client, NOWHERE, TestApp};

const COMPILED: &[&str] = &[
    "query($user: ID!) { node(id: $user) { ... on User { id nickname email } } }",
    "query($user: ID!) { node(id: $user) { __typename id ... on User { status createdAt updatedAt
        orders(first: 2) {
            totalCount
            nodes { number amount refundDue instanceName status
                product { id name price description status }
                instance { id number name status createdAt deletedAt owner { nickname } } }
            pageInfo { endCursor hasNextPage hasPreviousPage startCursor __typename }
        }
        instances { edges { cursor node { name } } } } } }",
    "query($after: String, $status: [OrderStatus!]) {
        orders(first: 3, after: $after, filter: { status: $status },
            orderBy: { field: AMOUNT, direction: ASC }) {
            edges { cursor node { id user { id } paidAt cancelledAt completedAt updatedAt }
                __typename }
            nodes { product { name } } pageInfo { startCursor } } }",
    "{ orders(first: 2, orderBy: { field: UPDATED_AT, direction: DESC }) {
            totalCount edges { cursor node { __typename id number status amount createdAt updatedAt
                user { nickname } product { name } instance { name } } } }
        instances(first: 1, orderBy: { field: NAME, direction: ASC }) {
            nodes { name owner { email } } pageInfo { endCursor } } }",
    "query($order: ID!) { a: order(id: $order) { id b: status ...F } }
        fragment F on Order { product { ... on Product { name } ... on Node { id } } }",
    "query($instance: ID!) { instance(id: $instance) { __typename name updatedAt }
        instances(filter: { status: [CREATING] }) { totalCount nodes { id } } }",
    "query($product: ID!) { node(id: $product) { id ... on Product { createdAt updatedAt } } }",
    "query($stranger: ID!) { node(id: $stranger) { id } }",
    "query($user: ID!) { node(id: $user) { ... on User { orders(filter: { status: [PAID] }) {
        totalCount } instances(first: 1) { nodes { id } } } } }",
    "query($nobody: ID!) { node(id: $nobody) { id ... on User { orders { totalCount } } } order(id: $nobody) { id } }",
];

/// Other types, directives, selections to merge, lists below lists, and whatever fails.
const LEFT_TO_THE_ENGINE: &[&str] = &[
    "query($order: ID!) { order(id: $order) { id } cursor }",
    "query($order: ID!) { node(id: $order) { ... on User { id } ... on Workflow { id status } } }",
    "query($workflow: ID!) { node(id: $workflow) { ... on Workflow { status } } }",
    "query($order: ID!) { order(id: $order) { id id status } }",
    "query($order: ID!) { order(id: $order) { id status @include(if: true) } }",
    "query($first: Int!) { orders(first: $first) { nodes { id } } }",
    "query($missing: ID!) { node(id: $missing) { id } }",
    "query($order: ID = \"x\") { node(id: $order) { id } }",
    "{ orders(after: \"nonsense\") { nodes { id } } }",
    "{ orders { nodes { user { orders(first: 1) { nodes { id } } } } } }",
    "{ users(first: 2) { nodes { orders(first: 1) { nodes { id } } } } }",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_query_answers_as_the_engine_does() {
    let app = TestApp::new().await;
    let (token, variables) = shop(&app).await;
    let metrics_token = Some("a token".to_owned());
    let routes = app.with_door(Door { metrics_token, ..Door::default() }).await.routes;
    let ada = Client::new(routes.clone(), Some(&token));
    let compiled = COMPILED.iter().map(|query| (query, 1));
    let left = LEFT_TO_THE_ENGINE.iter().map(|query| (query, 0));
    for (query, short) in compiled.chain(left) {
        let before = compiled_so_far(&routes).await;

        let by_engine = ada.text(query, &variables).await;
        assert_eq!(compiled_so_far(&routes).await, before, "nothing is known of {query}");
        let again = ada.text(query, &variables).await;

        assert_eq!(compiled_so_far(&routes).await - before, short, "{query}");
        assert_eq!(but_for_the_budget(&again), but_for_the_budget(&by_engine), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_query_shows_others_what_the_engine_shows_them() {
    let app = TestApp::new().await;
    let (ada, variables) = shop(&app).await;
    let eve = app.user("eve").await.token;
    let [compiled, engine] = [app.with_door(Door::default()), app.with_door(Door::default())];
    let (compiled, engine) = (compiled.await.routes, engine.await.routes);
    for query in COMPILED {
        Client::new(compiled.clone(), Some(&ada)).text(query, &variables).await;

        let shown = Client::new(compiled.clone(), eve.as_deref()).text(query, &variables).await;
        let by_engine = Client::new(engine.clone(), eve.as_deref()).text(query, &variables).await;

        assert_eq!(but_for_the_budget(&shown), but_for_the_budget(&by_engine), "{query}");
        let nobody = Client::new(compiled.clone(), None).text(query, &variables).await;
        assert!(nobody.contains("\"UNAUTHENTICATED\"") != query.contains("$product"), "{nobody}");
    }
}

const PLACE: &str = "mutation($product: ID!, $name: String!) {
    placeOrder(input: { productId: $product, instanceName: $name }) { __typename cursor replayed
        order { __typename id number status amount instanceName refundDue createdAt paidAt } } }";
const CANCEL: &str = "mutation($id: ID!) {
    cancelOrder(id: $id, reason: \"none\") { order { id status cancelledAt } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_change_is_made_once_and_told_as_the_engine_tells_it() {
    let app = TestApp::new().await;
    let (token, variables) = shop(&app).await;
    let metrics_token = Some("a token".to_owned());
    let routes = app.with_door(Door { metrics_token, ..Door::default() }).await.routes;
    let ada = Client::new(routes.clone(), Some(&token));
    let placed = async |name: &str| {
        let variables = json!({ "product": variables["product"], "name": name });
        ada.send(PLACE, variables).await.ok()["placeOrder"].clone()
    };
    let by_engine = placed("one").await;

    let compiled = placed("two").await;

    assert_eq!(compiled_so_far(&routes).await, 1);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&compiled), keys(&by_engine));
    let id = json!({ "id": compiled["order"]["id"] });
    let stored = "query($id: ID!) { order(id: $id) { __typename id number status amount
        instanceName refundDue createdAt paidAt } events(first: 9, filter: { subjectId: $id }) {
        nodes { type cursor } } }";
    let stored = ada.send(stored, id.clone()).await.ok();
    assert_eq!(compiled["order"], stored["order"]);
    assert_eq!(stored["events"]["nodes"].as_array().unwrap().len(), 1, "{stored}");
    assert!(compiled["cursor"].as_str() < stored["events"]["nodes"][0]["cursor"].as_str());
    ada.send(CANCEL, json!({ "id": by_engine["order"]["id"] })).await.ok();
    let cancelled = ada.send(CANCEL, id).await.ok();
    assert_eq!(cancelled["cancelOrder"]["order"]["status"], "CANCELLED");
    assert_eq!(compiled_so_far(&routes).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_change_that_is_refused_is_not_tried_again_by_the_engine() {
    let app = TestApp::new().await;
    let (token, mut variables) = shop(&app).await;
    let ada = Client::new(app.routes.clone(), Some(&token));
    variables["name"] = json!("web");
    let refused = async |document: &str| {
        let before = app.store.statements();
        let answer = ada.text(document, &variables).await;
        (but_for_the_budget(&answer), app.store.statements() - before)
    };
    // The least of several, for now and then one of them also looks the caller or the head up.
    let documents = ["", "# again", "# and again"].map(|comment| format!("{PLACE} {comment}"));
    let least = async || {
        let [one, two, three] = &documents;
        [refused(one).await, refused(two).await, refused(three).await].into_iter().min().unwrap()
    };
    let by_engine = least().await;

    let compiled = least().await;

    assert!(by_engine.0.contains("ALREADY_EXISTS"), "{}", by_engine.0);
    assert_eq!(compiled, by_engine);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_stands_beside_is_left_to_the_engine() {
    let app = TestApp::new().await;
    let (token, variables) = shop(&app).await;
    let ada = Client::new(app.routes.clone(), Some(&token));
    let body = json!({ "query": PLACE,
        "variables": { "product": variables["product"], "name": "keyed" } });
    let place = async || {
        let reply = ada.post(&body, &[("idempotency-key", "k")]).await;
        reply.ok()["placeOrder"].clone()
    };
    let first = place().await;

    let again = place().await;

    assert_eq!(again["order"]["id"], first["order"]["id"]);
    assert_eq!((&first["replayed"], &again["replayed"]), (&json!(false), &json!(true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_an_input_does_not_have_is_refused_however_often_the_document_came() {
    let app = TestApp::new().await;
    let (token, variables) = shop(&app).await;
    let ada = Client::new(app.routes.clone(), Some(&token));
    let filtered = "query($filter: OrderFilter) { orders(filter: $filter) { totalCount } }";
    let placing = "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { replayed } }";
    let input = |name: &str| json!({ "productId": variables["product"], "instanceName": name });
    let known = [
        (filtered, json!({ "filter": { "status": ["PAID"] } })),
        (placing, json!({ "input": input("one") })),
    ];
    let mut unknown = known.clone();
    unknown[0].1["filter"]["color"] = json!("red");
    unknown[1].1["input"]["color"] = json!("red");
    for ((query, right), (_, wrong)) in known.iter().zip(&unknown) {
        let at_first = ada.text(query, wrong).await;
        ada.send(query, right.clone()).await.ok();

        let later = ada.text(query, wrong).await;

        assert!(at_first.contains("color"), "{at_first}");
        assert_eq!(but_for_the_budget(&later), but_for_the_budget(&at_first));
    }
}

/// The token of somebody with orders, one of which has been paid, and what queries are about.
async fn shop(app: &TestApp) -> (String, Value) {
    let root = app.admin().await;
    let name = "The \"small\" one \u{2602} \\ / ";
    let product = json!({ "name": name, "description": "Tab \u{e9} \"and\" line", "price": 500,
        "spec": { "cpuMillis": 100, "memoryMib": 64, "image": "web:1" } });
    let product = root.try_create_product(product).await.ok();
    let product = product["createProduct"]["product"]["id"].as_str().unwrap();
    let ada = app.user("ada").await.login("ada").await;
    let (order, instance, workflow) = ada.buy(product, "web").await;
    for name in ["db", "cache"] {
        ada.place_order(product, name).await.ok();
    }
    let variables = json!({
        "user": ada.id().await,
        "stranger": root.id().await,
        "nobody": "ord_00000000000070008000000000000000",
        "product": product,
        "order": order,
        "instance": instance,
        "workflow": workflow,
        "status": ["PENDING", "PAID"],
        "first": 1000,
    });
    (ada.token.clone().unwrap(), variables)
}

/// What a caller has left differs from answer to answer.
fn but_for_the_budget(answer: &str) -> String {
    let (before, after) = answer.split_once("\"available\":").unwrap_or((answer, ""));
    format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

async fn compiled_so_far(routes: &Routes) -> u64 {
    let request = Request::get("/metrics").header("authorization", "Bearer a token");
    let response = routes.answer(NOWHERE, request.body(Body::empty()).unwrap()).await;
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.into()).unwrap();
    let sample = |line: &str| line.strip_prefix("slipway_compiled_operations_total ")?.parse().ok();
    page.lines().find_map(sample).unwrap()
}
