use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::support::{Client, TestApp};

const SECRET: &str = "correct-staple-4711";

/// An instance that runs with a secret environment.
async fn bought(app: &TestApp, ada: &Client) -> String {
    let product = app.admin().await.create_product("web:1").await;
    let input = json!({
        "productId": product, "instanceName": "web", "secretConfig": { "TOKEN": SECRET },
    });
    let placed = ada.place_order_with(input).await.ok();
    let paid = ada.pay_order(placed["placeOrder"]["order"]["id"].as_str().unwrap()).await.ok();
    app.run_tasks().await;
    paid["payOrder"]["order"]["instance"]["id"].as_str().unwrap().to_owned()
}

async fn shown(ada: &Client, instance: &str) -> Value {
    let document = "query($id: ID!) {
        instance(id: $id) { status secretConfig { isSet updatedAt fingerprint } }
    }";
    ada.send(document, json!({ "id": instance })).await.ok()["instance"].clone()
}

/// The cluster's one Secret of ours, and what the Deployment's pods are made from.
async fn in_cluster(app: &TestApp) -> (Value, Value) {
    let secrets = app.object("/api/v1/secrets").await;
    let deployments = app.object("/apis/apps/v1/deployments").await;
    (secrets["items"][0].clone(), deployments["items"][0]["spec"]["template"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_config_reaches_the_workload_as_a_secret_and_goes_with_it() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;

    let instance = bought(&app, &ada).await;

    let (secret, template) = in_cluster(&app).await;
    assert_eq!(secret["data"], json!({ "TOKEN": BASE64_STANDARD.encode(SECRET) }));
    let info = shown(&ada, &instance).await["secretConfig"].clone();
    assert_eq!(info["isSet"], true);
    assert_eq!(
        template["metadata"]["annotations"]["slipway.io/secret-fingerprint"],
        info["fingerprint"]
    );
    ada.command("deleteInstance", &instance).await.ok();
    app.run_tasks().await;
    assert_eq!(app.standing().await, Vec::<String>::new());
    assert_eq!(shown(&ada, &instance).await["secretConfig"]["isSet"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_vanishes_is_put_back_when_a_pod_lacks_it() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let instance = bought(&app, &ada).await;
    app.observe().await;
    let (secret, _) = in_cluster(&app).await;
    let place = format!("/api/v1/namespaces/{}", secret["metadata"]["namespace"].as_str().unwrap());
    let pods = app.object(&format!("{place}/pods")).await;
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap();

    app.delete(&format!("{place}/secrets/web")).await;
    app.delete(&format!("{place}/pods/{pod}")).await;
    app.advance(Duration::from_secs(60));
    app.observe().await;
    let without = ada.instance(&instance).await;
    app.run_tasks().await;
    app.observe().await;

    assert_eq!(without["pods"][0]["reason"], "CreateContainerConfigError", "{without}");
    assert_eq!(in_cluster(&app).await.0["data"], secret["data"]);
    let ended = ada.instance(&instance).await;
    assert_eq!((&ended["pods"][0]["ready"], &ended["whyNotRunning"]), (&json!(true), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn update_instance_replaces_a_secret_config_and_null_takes_it_away() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let instance = bought(&app, &ada).await;
    let before = shown(&ada, &instance).await["secretConfig"]["fingerprint"].clone();

    ada.update_instance(&instance, json!({ "secretConfig": { "TOKEN": "another" } })).await.ok();
    app.run_tasks().await;

    let (secret, _) = in_cluster(&app).await;
    assert_eq!(secret["data"], json!({ "TOKEN": BASE64_STANDARD.encode("another") }));
    assert_ne!(shown(&ada, &instance).await["secretConfig"]["fingerprint"], before);
    ada.update_instance(&instance, json!({ "secretConfig": null })).await.ok();
    app.run_tasks().await;
    let (secret, template) = in_cluster(&app).await;
    assert_eq!(secret, Value::Null);
    assert_eq!(template["spec"]["containers"][0]["envFrom"], Value::Null);
    let shown = shown(&ada, &instance).await;
    assert_eq!(shown["status"], "RUNNING");
    assert_eq!(
        shown["secretConfig"],
        json!({ "isSet": false, "updatedAt": null, "fingerprint": null })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn update_instance_keeps_the_secret_config_that_it_does_not_name() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let instance = bought(&app, &ada).await;
    let before = shown(&ada, &instance).await["secretConfig"].clone();

    ada.update_instance(&instance, json!({ "image": "web:2" })).await.ok();
    app.run_tasks().await;

    assert_eq!(shown(&ada, &instance).await["secretConfig"], before);
    assert_eq!(in_cluster(&app).await.0["data"]["TOKEN"], BASE64_STANDARD.encode(SECRET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_config_is_found_nowhere_but_in_the_cluster() {
    let app = TestApp::new().await;
    let ada = app.user("ada").await;
    let instance = bought(&app, &ada).await;

    let answer = ada
        .send(
            "query($id: ID!) {
                instance(id: $id) { secretConfig { fingerprint } workflows { nodes { tasks {
                    payload result error log { text } attempts { result error }
                } } } }
                events(first: 100) { nodes { type data } }
            }",
            json!({ "id": instance }),
        )
        .await;

    let answer = answer.ok().to_string();
    assert!(answer.contains("INSTANCE_CREATED") && answer.contains("apply_secret"), "{answer}");
    assert!(!answer.contains("aes256gcm:"), "clients get no ciphertext");
    let stored = app.database.content().await;
    let hex = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    for form in [SECRET.to_owned(), BASE64_STANDARD.encode(SECRET), hex] {
        assert!(!answer.contains(&form), "{form} is in an answer");
        let found = stored.windows(form.len()).any(|window| window == form.as_bytes());
        assert!(!found, "{form} is in the database");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_config_names_its_field() {
    let app = TestApp::new().await;
    let product = app.admin().await.create_product("web:1").await;
    let ada = app.user("ada").await;

    for wrong in [json!(["a"]), json!({ "A-B": "x" }), json!({ "A": 1 })] {
        let input = json!({ "productId": product, "instanceName": "web", "secretConfig": wrong });
        let reply = ada.place_order_with(input).await;

        assert_eq!(
            (reply.code(), reply.extension("field")),
            ("INVALID", &json!("input.secretConfig"))
        );
    }
}
