use serde_json::Value;

use super::{
    rules::{MUTATIONS, NODES, QUERIES, Rule},
    world::{ROLES, World, document, named, normalised, outcome},
};
use crate::support::{Client, Reply};

/// How a rule is called: the kind of operation, the field and what follows its name.
fn operation(kind: &'static str, rule: &Rule) -> (&'static str, String, String) {
    match kind {
        "node" => ("query", "node".to_owned(), format!("(id: {}) {{ __typename id }}", rule.call)),
        kind => (kind, rule.field.to_owned(), rule.call.to_owned()),
    }
}

async fn ask(client: &Client, kind: &'static str, rule: &Rule, things: &Value) -> Reply {
    let (kind, field, call) = operation(kind, rule);
    let mut used = Value::Object(Default::default());
    for name in named(things, &call) {
        used[name] = things[name].clone();
    }
    client.send(&document(kind, &field, &call, things), used).await
}

async fn everybody_is_answered(kind: &'static str, rules: &[Rule]) {
    let world = World::new().await;
    for rule in rules {
        for ((caller, role), expected) in world.callers.iter().zip(ROLES).zip(rule.answers) {
            let reply = ask(caller, kind, rule, &world.things).await;
            let field = operation(kind, rule).1;
            let found = outcome(&reply, &field);
            assert_eq!(found, expected, "{} {} as {role}: {reply:?}", rule.field, rule.call);
        }
    }
    world.app.run_tasks().await;
}

/// To those who see nothing of a thing, it is as if it were not there.
async fn the_foreign_is_as_the_missing(kind: &'static str, rules: &[Rule]) {
    let world = World::new().await;
    let hides = |answer: &str| ["null", "empty", "NOT_FOUND", "FORBIDDEN"].contains(&answer);
    let mut compared = 0;
    for rule in rules {
        for ((caller, role), expected) in world.callers.iter().zip(ROLES).zip(rule.answers) {
            if role != "anonymous" && (role != "stranger" || !hides(expected)) {
                continue;
            }
            let foreign = ask(caller, kind, rule, &world.things).await;
            for thing in named(&world.things, rule.call) {
                if thing == "product" {
                    continue;
                }
                let without = world.without(thing);
                let missing = ask(caller, kind, rule, &without).await;
                assert_eq!(
                    (foreign.status, normalised(&foreign.body, &world.things)),
                    (missing.status, normalised(&missing.body, &without)),
                    "{} {} with another {thing} as {role}",
                    rule.field,
                    rule.call
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 0);
    world.app.run_tasks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_answers_everybody_as_its_rule_says() {
    everybody_is_answered("query", QUERIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_node_answers_everybody_as_its_rule_says() {
    everybody_is_answered("node", NODES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_answers_everybody_as_its_rule_says() {
    everybody_is_answered("mutation", MUTATIONS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_answers_for_what_is_anothers_as_for_what_is_missing() {
    the_foreign_is_as_the_missing("query", QUERIES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_node_that_is_anothers_answers_as_what_is_missing() {
    the_foreign_is_as_the_missing("node", NODES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mutation_answers_for_what_is_anothers_as_for_what_is_missing() {
    the_foreign_is_as_the_missing("mutation", MUTATIONS).await;
}
