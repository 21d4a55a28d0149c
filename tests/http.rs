use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::json;

use crate::support::{Client, NOWHERE, Socket, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn nested_literals_are_refused_and_the_process_lives() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();

    for depth in [500, 1000, 2000, 5000, 7500] {
        for (open, close) in [("[", "]"), ("{a:", "}")] {
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let reply = nobody.send(&format!("{{ __typename(x: {value}) }}"), json!({})).await;
            assert_eq!((reply.status.as_u16(), reply.code()), (400, "TOO_COMPLEX"), "{depth}");
            assert!(reply.body.to_string().len() < 1024);
        }
    }
    assert_eq!(nobody.send("{ __typename }", json!({})).await.ok()["__typename"], "Query");
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_literals_are_refused_over_a_socket_too() {
    let mut app = TestApp::new().await;
    let address = app.live().await;
    let mut socket = Socket::connect(&address, None).await;

    for depth in [500, 2000, 7500] {
        let value = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        socket.subscribe("1", &format!("{{ __typename(x: {value}) }}"), json!({})).await;
        let reply = socket.hear().await;
        assert_eq!(reply["type"], "error");
        assert_eq!(reply["payload"][0]["extensions"]["code"], "TOO_COMPLEX", "{depth}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_bomb_is_refused() {
    let app = TestApp::new().await;
    let mut bomb = "{ ...F0 }".to_owned();
    for level in 0..22 {
        let next = level + 1;
        bomb += &format!(" fragment F{level} on Query {{ ...F{next} ...F{next} }}");
    }
    bomb += " fragment F22 on Query { __typename }";

    let reply = app.anonymous().send(&bomb, json!({})).await;

    assert_eq!(reply.code(), "TOO_COMPLEX", "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_query_gets_a_code_and_a_status() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();

    let syntax = nobody.send("{ products { ", json!({})).await;
    let unknown = nobody.send("{ nonsense }", json!({})).await;
    let wrong_type = nobody
        .send("query($n: Int) { products(first: $n) { totalCount } }", json!({ "n": "many" }))
        .await;
    let batch = nobody.post(&json!([{ "query": "{ __typename }" }]), &[]).await;

    assert_eq!((syntax.status.as_u16(), syntax.code()), (400, "GRAPHQL_PARSE_FAILED"));
    assert_eq!((unknown.status.as_u16(), unknown.code()), (400, "GRAPHQL_VALIDATION_FAILED"));
    assert_eq!(wrong_type.code(), "GRAPHQL_VALIDATION_FAILED", "{wrong_type:?}");
    assert_eq!(batch.status.as_u16(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_other_shapes_get_their_status() {
    let app = TestApp::new().await;
    let send =
        async |request: Request<Body>| app.routes.answer(NOWHERE, request).await.status().as_u16();
    let form = Request::post("/graphql")
        .header("content-type", "text/plain")
        .body(Body::from("{\"query\":\"{ __typename }\"}"));
    let large = Request::post("/graphql")
        .header("content-type", "application/json")
        .body(Body::from(" ".repeat(300 * 1024)));
    let mutation_by_get = Request::get("/graphql?query=mutation%7Blogin%7D").body(Body::empty());
    let put = Request::put("/graphql").body(Body::empty());

    assert_eq!(send(form.unwrap()).await, 415);
    assert_eq!(send(large.unwrap()).await, 413);
    assert_eq!(send(mutation_by_get.unwrap()).await, 405);
    assert_eq!(send(put.unwrap()).await, 405);
    for path in ["/livez", "/readyz", "/schema.graphql"] {
        assert_eq!(send(Request::get(path).body(Body::empty()).unwrap()).await, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_a_page() {
    let app = TestApp::new().await;
    let request = Request::get("/graphql").header("accept", "text/html").body(Body::empty());

    let response = app.routes.answer(NOWHERE, request.unwrap()).await;

    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") || policy.contains("default-src 'self'"),
        "{policy}"
    );
    let page = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&page).contains("<title>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_its_mutation_whole() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;

    for place in 0..20 {
        let (ada, product): (Client, String) = (ada.clone(), product.clone());
        let call =
            tokio::spawn(async move { ada.place_order(&product, &format!("web{place}")).await });
        tokio::task::yield_now().await;
        call.abort();
        let _ = call.await;
    }
    // All that began have ended once one more, which queues behind them, has.
    let last = ada.place_order(&product, "last").await.ok();
    assert!(last["placeOrder"]["order"]["id"].is_string());
    let found = ada
        .send(
            "{ orders(first: 100) { totalCount nodes { status } }
            events(first: 100, filter: { types: [\"ORDER_PLACED\"] }) { totalCount } }",
            json!({}),
        )
        .await
        .ok();
    assert!(
        found["orders"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|order| order["status"] == "PENDING")
    );
    assert!(found["events"]["totalCount"].as_i64() >= found["orders"]["totalCount"].as_i64());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_closed_with_the_code_of_the_protocol() {
    let mut app = TestApp::new().await;
    let address = app.live().await;
    let bad_token = json!({ "authorization": "Bearer nonsense" });
    let cases = [
        (json!({ "type": "subscribe", "id": "1", "payload": { "query": "{ __typename }" } }), 4401),
        (json!({ "type": "nonsense" }), 4400),
        (json!({ "type": "connection_init", "payload": bad_token }), 4403),
    ];

    for (message, code) in cases {
        let mut socket = Socket::open(&address).await;
        socket.say(message.clone()).await;
        assert_eq!(socket.close_code().await, code, "{message}");
    }
    let mut socket = Socket::connect(&address, None).await;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.close_code().await, 4429);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_come_in_the_order_of_the_request() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    root.create_product("web:1").await;
    let text = async |query: &str| {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", ada.token.as_deref().unwrap()))
            .body(Body::from(json!({ "query": query }).to_string()));
        let response = app.routes.answer(NOWHERE, request.unwrap()).await;
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
    };

    // What is looked up comes in after what is known already.
    let answer = text(
        "{ products { nodes { name ...P } } viewer { tenants { tenant { orgId } role } }
            last: __typename }
        fragment P on Product { price status }",
    )
    .await;

    let (data, _) = answer.split_once(",\"extensions\"").unwrap();
    assert_eq!(
        data,
        "{\"data\":{\"products\":{\"nodes\":[{\"name\":\"Small\",\"price\":500,\"status\":\"ENABLED\"}]},\
         \"viewer\":{\"tenants\":[{\"tenant\":{\"orgId\":\"personal-2\"},\"role\":\"OWNER\"}]},\
         \"last\":\"Query\"}"
    );
}
