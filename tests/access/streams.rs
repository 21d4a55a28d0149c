use serde_json::{Value, json};

use super::{
    rules::{Rule, SUBSCRIPTIONS},
    world::{ROLES, World, document, named, normalised},
};
use crate::support::{Client, Socket};

/// What is heard first: an item, an error, or that there was nothing up to `head`.
async fn first(address: &str, client: &Client, rule: &Rule, things: &Value, head: &str) -> Value {
    let mut socket = Socket::connect(address, client.token.as_deref()).await;
    let mut used = json!({});
    for name in named(things, rule.call) {
        used[name] = things[name].clone();
    }
    let document = document("subscription", rule.field, rule.call, things);
    socket.subscribe("1", &document, used).await;
    socket.hear_up_to(head).await
}

fn outcome(message: &Value) -> String {
    if message.is_null() {
        return "silence".to_owned();
    }
    let payload = &message["payload"];
    let error = if payload.is_array() { &payload[0] } else { &payload["errors"][0] };
    error["extensions"]["code"].as_str().unwrap_or("shown").to_owned()
}

/// A world in which much has happened, the address it is served at, and how far.
async fn busy() -> (World, String, String) {
    let mut world = World::new().await;
    world.app.run_tasks().await;
    world.app.observe().await;
    let pods = "query($id: ID!) { instance(id: $id) { pods { uid } } }";
    let shown = world.callers[4].send(pods, json!({ "id": world.things["instance"] })).await.ok();
    world.things["pod"] = shown["instance"]["pods"][0]["uid"].clone();
    let address = world.attentive().await;
    let owner = &world.callers[4];
    let head = owner.send("{ cursor }", json!({})).await.ok()["cursor"].clone();
    (world, address, head.as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_answers_everybody_as_its_rule_says() {
    let (world, address, head) = busy().await;

    for rule in SUBSCRIPTIONS {
        for ((caller, role), expected) in world.callers.iter().zip(ROLES).zip(rule.answers) {
            let heard = first(&address, caller, rule, &world.things, &head).await;
            let what = format!("{} {} as {role}: {heard}", rule.field, rule.call);
            assert_eq!(outcome(&heard), expected, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscription_answers_for_what_is_anothers_as_for_what_is_missing() {
    let (world, address, head) = busy().await;
    let stranger = &world.callers[1];

    for rule in SUBSCRIPTIONS {
        let foreign = first(&address, stranger, rule, &world.things, &head).await;
        for thing in named(&world.things, rule.call) {
            if thing == "start" {
                continue;
            }
            let without = world.without(thing);
            let missing = first(&address, stranger, rule, &without, &head).await;
            let (foreign, missing) =
                (normalised(&foreign, &world.things), normalised(&missing, &without));
            assert_eq!(foreign, missing, "{} {} with another {thing}", rule.field, rule.call);
        }
    }
}
