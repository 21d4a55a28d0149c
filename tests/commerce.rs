use serde_json::{Value, json};

use crate::support::{Client, TestApp, product};

#[tokio::test(flavor = "multi_thread")]
async fn place_order_copies_the_price_of_the_moment() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let placed = ada.place_order(&product, "web").await.ok();
    let order = &placed["placeOrder"]["order"];
    root.send(
        "mutation($id: ID!) { updateProduct(id: $id, input: { price: 900 }) { product { price } } }",
        json!({ "id": product }),
    )
    .await
    .ok();

    let order = ada.order(order["id"].as_str().unwrap()).await;

    assert_eq!((&order["amount"], &order["product"]["price"]), (&json!(500), &json!(900)));
    assert_eq!(order["status"], "PENDING");
    assert_eq!(order["instance"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn place_order_refuses_what_is_not_acceptable_and_names_the_field() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let missing = product.replace(|c: char| c.is_ascii_digit(), "0");
    let long = "a".repeat(41);

    for name in ["", "2web", "Web", "we_b", "web-", long.as_str()] {
        let reply = ada.place_order(&product, name).await;
        assert_eq!(reply.code(), "INVALID", "{name}");
        assert_eq!(reply.extension("field"), "input.instanceName");
    }
    assert_eq!(ada.place_order(&missing, "web").await.code(), "NOT_FOUND");
    let wrong_kind = ada.place_order(&ada.id().await, "web").await;
    assert_eq!((wrong_kind.code(), wrong_kind.status.as_u16()), ("INVALID", 200));
    assert_eq!(wrong_kind.extension("field"), "input");
    let wrong_kind =
        ada.send("query($id: ID) { order(id: $id) { id } }", json!({ "id": product })).await;
    assert_eq!((wrong_kind.code(), wrong_kind.extension("field")), ("INVALID", &json!("id")));
    assert_eq!(app.anonymous().place_order(&product, "web").await.code(), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn place_order_refuses_a_product_that_is_not_on_sale() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    root.send(
        "mutation($id: ID!) { updateProduct(id: $id, input: { status: DISABLED }) { cursor } }",
        json!({ "id": product }),
    )
    .await
    .ok();

    let reply = ada.place_order(&product, "web").await;
    let listed = "{ products { totalCount } }";

    assert_eq!(reply.code(), "CONFLICT");
    assert_eq!(ada.send(listed, json!({})).await.ok()["products"]["totalCount"], 0);
    assert_eq!(root.send(listed, json!({})).await.ok()["products"]["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn create_product_is_for_administrators_and_names_a_faulty_field() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let mut faulty = product("web:1");
    faulty["spec"]["cpuMillis"] = json!(0);

    let forbidden = ada.try_create_product(product("web:1")).await;
    let refused = root.try_create_product(faulty).await;

    assert_eq!(forbidden.code(), "FORBIDDEN");
    assert_eq!(refused.code(), "INVALID");
    assert_eq!(refused.extension("field"), "input.spec.cpuMillis");
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_order_works_once() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let (order, ..) = ada.buy(&product, "web").await;

    let again = ada.pay_order(&order).await;
    let cancelled = ada.cancel_order(&order).await;

    assert_eq!(again.code(), "INVALID_TRANSITION");
    assert_eq!((again.extension("from"), again.extension("to")), (&json!("PAID"), &json!("PAID")));
    assert_eq!(cancelled.code(), "INVALID_TRANSITION");
    app.run_tasks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_order_has_one_winner_among_many_at_once() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let placed = ada.place_order(&product, "web").await.ok();
    let order = placed["placeOrder"]["order"]["id"].as_str().unwrap();

    let replies = futures::future::join_all((0..8).map(|_| ada.pay_order(order))).await;

    let codes: Vec<_> = replies.iter().map(|reply| reply.code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "none").count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == "INVALID_TRANSITION").count(), 7, "{codes:?}");
    app.run_tasks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_taken_by_the_payment_and_free_after_the_deletion() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let waiting = ada.place_order(&product, "web").await.ok();
    let waiting = waiting["placeOrder"]["order"]["id"].as_str().unwrap();
    let (_, instance, _) = ada.buy(&product, "web").await;

    let placed = ada.place_order(&product, "web").await;
    let paid = ada.pay_order(waiting).await;
    app.run_tasks().await;
    ada.command("deleteInstance", &instance).await.ok();
    app.run_tasks().await;

    assert_eq!(placed.error(), "ALREADY_EXISTS: instance web exists already");
    assert_eq!(paid.code(), "ALREADY_EXISTS");
    assert_eq!(ada.order(waiting).await["status"], "PENDING");
    ada.pay_order(waiting).await.ok();
    app.run_tasks().await;
    assert_eq!(ada.order(waiting).await["status"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_order_gives_up_what_is_not_paid() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let placed = ada.place_order(&product, "web").await.ok();
    let order = placed["placeOrder"]["order"]["id"].as_str().unwrap();

    ada.cancel_order(order).await.ok();

    let shown = ada.order(order).await;
    assert_eq!((&shown["status"], &shown["refundDue"]), (&json!("CANCELLED"), &json!(false)));
    assert!(shown["cancelledAt"].is_string());
    assert_eq!(ada.pay_order(order).await.code(), "INVALID_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_unique_positive_and_good_for_lookups() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let mut numbers = Vec::new();
    for place in 0..20 {
        let placed = ada.place_order(&product, &format!("web{place}")).await.ok();
        numbers.push(placed["placeOrder"]["order"]["number"].as_str().unwrap().to_owned());
    }

    let found = ada
        .send("query($n: Long) { order(number: $n) { instanceName } }", json!({ "n": numbers[17] }))
        .await;

    assert_eq!(found.ok()["order"]["instanceName"], "web17");
    let parsed: Vec<i64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    assert!(parsed.windows(2).all(|pair| 0 < pair[0] && pair[0] < pair[1]), "{parsed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_newest_first() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    for place in 0..5 {
        ada.place_order(&product, &format!("web{place}")).await.ok();
        app.clock.advance(std::time::Duration::from_millis(1));
    }
    let document = "query($after: String) { orders(first: 2, after: $after) {
        totalCount nodes { instanceName } pageInfo { hasNextPage endCursor } } }";

    let (mut names, mut after) = (Vec::new(), json!(null));
    loop {
        let page = ada.send(document, json!({ "after": after })).await.ok()["orders"].clone();
        assert_eq!(page["totalCount"], 5);
        let nodes = page["nodes"].as_array().unwrap().clone();
        names.extend(nodes.iter().map(|node| node["instanceName"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }

    assert_eq!(names, ["web4", "web3", "web2", "web1", "web0"]);
    for first in [0, 101, -1] {
        let reply = ada
            .send("query($n: Int) { orders(first: $n) { totalCount } }", json!({ "n": first }))
            .await;
        assert_eq!((reply.code(), reply.extension("field")), ("INVALID", &json!("first")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_gives_one_effect_and_one_answer() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let document = "mutation($p: ID!, $n: String!, $k: String) {
        placeOrder(input: { productId: $p, instanceName: $n }, idempotencyKey: $k) {
            replayed order { id } } }";
    let body = |name: &str, key: Option<&str>| json!({ "query": document, "variables": { "p": product, "n": name, "k": key } });

    let keyed = body("web", Some("k1"));
    let replies = futures::future::join_all((0..6).map(|_| ada.post(&keyed, &[]))).await;
    let by_header = ada.post(&body("web", None), &[("idempotency-key", "k1")]).await;
    let other_input = ada.post(&body("other", Some("k1")), &[]).await;

    let orders: Vec<_> =
        replies.iter().map(|reply| reply.ok()["placeOrder"]["order"]["id"].clone()).collect();
    assert!(orders.iter().all(|id| *id == orders[0]), "{orders:?}");
    let fresh =
        replies.iter().filter(|reply| reply.ok()["placeOrder"]["replayed"] == false).count();
    assert_eq!(fresh, 1);
    assert_eq!(by_header.ok()["placeOrder"]["replayed"], true);
    assert_eq!(other_input.code(), "IDEMPOTENCY_MISMATCH");
    assert_eq!(
        ada.send("{ orders { totalCount } }", json!({})).await.ok()["orders"]["totalCount"],
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_repeats_of_a_payment_have_one_effect_also_after_a_restart() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    let product = root.create_product("web:1").await;
    let placed = ada.place_order(&product, "web").await.ok();
    let body = json!({
        "query": "mutation($id: ID!) { payOrder(id: $id, idempotencyKey: \"k\") {
            replayed cursor order { instance { id } } workflow { id } } }",
        "variables": { "id": placed["placeOrder"]["order"]["id"] },
    });

    let at_once = futures::future::join_all((0..50).map(|_| ada.post(&body, &[]))).await;
    app.run_tasks().await;
    let app = app.restarted().await;
    let ada = Client::new(app.routes.clone(), ada.token.as_deref());
    let later = futures::future::join_all((0..50).map(|_| ada.post(&body, &[]))).await;

    let mut answers: Vec<Value> =
        at_once.iter().chain(&later).map(|reply| reply.ok()["payOrder"].take()).collect();
    let replayed = answers.iter_mut().map(|answer| answer["replayed"].take());
    assert_eq!(replayed.filter(|replayed| *replayed == false).count(), 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    let workflows = ada.send("{ workflows { totalCount } }", json!({})).await.ok();
    assert_eq!(workflows["workflows"]["totalCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_the_order_that_is_asked_for_page_by_page() {
    let app = TestApp::new().await;
    let (root, ada) = (app.admin().await, app.user("ada").await);
    for (image, price) in [("b:1", 300), ("a:1", 100), ("c:1", 200), ("d:1", 100)] {
        let mut input = product(image);
        (input["name"], input["price"]) = (json!(image), json!(price));
        root.try_create_product(input).await.ok();
    }
    let document = "query($by: ProductOrderBy, $after: String) {
        products(first: 2, orderBy: $by, after: $after) {
            pageInfo { hasNextPage endCursor } nodes { name price }
        }
    }";
    let pages = async |by: Value| {
        let mut found = Vec::new();
        let mut after = Value::Null;
        loop {
            let page = ada.send(document, json!({ "by": by, "after": after })).await.ok();
            let page = page["products"].clone();
            found.extend(page["nodes"].as_array().unwrap().clone());
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                return found;
            }
        }
    };

    let by_price = pages(json!({ "field": "PRICE", "direction": "ASC" })).await;
    let by_name = pages(json!({ "field": "NAME" })).await;

    let prices: Vec<_> =
        by_price.iter().map(|product| product["price"].as_i64().unwrap()).collect();
    assert_eq!(prices, [100, 100, 200, 300]);
    let mut names: Vec<_> = by_name.iter().map(|product| product["name"].to_string()).collect();
    assert_eq!(names.len(), 4);
    names.reverse();
    assert!(names.is_sorted(), "{names:?}");
    let cursor =
        ada.send(document, json!({})).await.ok()["products"]["pageInfo"]["endCursor"].clone();
    let mixed = json!({ "by": { "field": "NAME" }, "after": cursor });
    assert_eq!(ada.send(document, mixed).await.code(), "INVALID");
}
