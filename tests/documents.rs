//! Documents that clients name instead of sending them.

use std::fs;

use api::{config::Door, http::Routes};
use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{Client, NOWHERE, Socket, TestApp};

/// Of `{ __typename }`.
const HASH: &str = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";

fn named(query: Option<&str>) -> Value {
    let mut request =
        json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": HASH } } });
    if let Some(query) = query {
        request["query"] = json!(query);
    }
    request
}

async fn get(routes: &Routes, query: &str) -> (u16, Value) {
    let request = Request::get(format!("/graphql?{query}")).body(Body::empty()).unwrap();
    let response = routes.answer(NOWHERE, request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_sent_once_is_named_by_its_hash() {
    let mut app = TestApp::new().await;
    let nobody = app.anonymous();

    let unknown = nobody.post(&named(None), &[]).await;
    let another = nobody.post(&named(Some("{ cursor }")), &[]).await;
    let sent = nobody.post(&named(Some("{ __typename }")), &[]).await;
    let again = nobody.post(&named(None), &[]).await;

    assert_eq!((unknown.status.as_u16(), unknown.code()), (400, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(unknown.body["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(another.code(), "INVALID");
    assert_eq!(sent.ok(), json!({ "__typename": "Query" }));
    assert_eq!(again.ok(), json!({ "__typename": "Query" }));

    let extensions = format!(
        "%7B%22persistedQuery%22%3A%7B%22version%22%3A1%2C%22sha256Hash%22%3A%22{HASH}%22%7D%7D"
    );
    let (status, body) = get(&app.routes, &format!("extensions={extensions}")).await;
    assert_eq!((status, &body["data"]["__typename"]), (200, &json!("Query")));

    let address = app.live().await;
    let mut socket = Socket::connect(&address, None).await;
    socket.say(json!({ "id": "1", "type": "subscribe", "payload": named(None) })).await;
    assert_eq!(socket.hear().await["payload"]["data"]["__typename"], "Query");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_guard_refuses_is_not_kept() {
    let app = TestApp::new().await;
    let bomb = format!("{{ {} }}", "x: __typename ".repeat(31));

    let refused = app.anonymous().send(&bomb, json!({})).await;
    assert_eq!(refused.code(), "TOO_COMPLEX");
    assert_eq!(refused.extension("limit"), "alias count");
    assert_eq!(refused.extension("maximum"), 30);
    let unknown = app.anonymous().post(&named(None), &[]).await;

    assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_trusted_documents_are_run_where_there_is_a_file() {
    let app = TestApp::new().await;
    let file = app.database.folder.path().join("documents.json");
    fs::write(&file, json!({ "name-1": "query Name { __typename }" }).to_string()).unwrap();
    let door = Door { trusted_documents: Some(file.clone()), ..Door::default() };
    let server = app.with_door(door).await;
    let nobody = Client::new(server.routes.clone(), None);

    let by_id = nobody.post(&json!({ "documentId": "name-1" }), &[]).await;
    let by_text = nobody.send("query Name { __typename }", json!({})).await;
    let other = nobody.send("{ __typename }", json!({})).await;
    let unknown = nobody.post(&json!({ "documentId": "name-2" }), &[]).await;

    assert_eq!(by_id.ok(), json!({ "__typename": "Query" }));
    assert_eq!(by_text.ok(), json!({ "__typename": "Query" }));
    assert_eq!((other.status.as_u16(), other.code()), (403, "FORBIDDEN"));
    assert_eq!(unknown.code(), "PERSISTED_QUERY_NOT_FOUND");
}
