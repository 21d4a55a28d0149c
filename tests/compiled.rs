//! Queries that are answered without the engine say what the engine says, to the letter.

use api::config::Door;
use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Client, TestApp};

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
    let router = app.with_door(Door { metrics_token, ..Door::default() }).await.router;
    let ada = Client::new(router.clone(), Some(&token));
    let compiled = COMPILED.iter().map(|query| (query, 1));
    let left = LEFT_TO_THE_ENGINE.iter().map(|query| (query, 0));
    for (query, short) in compiled.chain(left) {
        let before = compiled_so_far(&router).await;

        let by_engine = ada.text(query, &variables).await;
        assert_eq!(compiled_so_far(&router).await, before, "nothing is known of {query}");
        let again = ada.text(query, &variables).await;

        assert_eq!(compiled_so_far(&router).await - before, short, "{query}");
        assert_eq!(but_for_the_budget(&again), but_for_the_budget(&by_engine), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_query_shows_others_what_the_engine_shows_them() {
    let app = TestApp::new().await;
    let (ada, variables) = shop(&app).await;
    let eve = app.user("eve").await.token;
    let [compiled, engine] = [app.with_door(Door::default()), app.with_door(Door::default())];
    let (compiled, engine) = (compiled.await.router, engine.await.router);
    for query in COMPILED {
        Client::new(compiled.clone(), Some(&ada)).text(query, &variables).await;

        let shown = Client::new(compiled.clone(), eve.as_deref()).text(query, &variables).await;
        let by_engine = Client::new(engine.clone(), eve.as_deref()).text(query, &variables).await;

        assert_eq!(but_for_the_budget(&shown), but_for_the_budget(&by_engine), "{query}");
        let nobody = Client::new(compiled.clone(), None).text(query, &variables).await;
        assert!(nobody.contains("\"UNAUTHENTICATED\"") != query.contains("$product"), "{nobody}");
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

async fn compiled_so_far(router: &Router) -> u64 {
    let request = Request::get("/metrics").header("authorization", "Bearer a token");
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.into()).unwrap();
    let sample = |line: &str| line.strip_prefix("slipway_compiled_operations_total ")?.parse().ok();
    page.lines().find_map(sample).unwrap()
}
