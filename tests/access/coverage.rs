//! Nothing in the schema is without a rule.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::rules::{MUTATIONS, NODES, QUERIES, Rule, SUBSCRIPTIONS};
use crate::support::TestApp;

const SCHEMA: &str = "{ __schema { types { name kind possibleTypes { name }
    fields { name type { ...T } args { name type { ...T } } } inputFields { name type { ...T } } } } }
    fragment T on __Type { name ofType { name ofType { name ofType { name } } } }";

/// The exported schema, type by type.
pub struct Schema(BTreeMap<String, Value>);

impl Schema {
    pub async fn of(app: &TestApp) -> Self {
        let reply = app.anonymous().send(SCHEMA, json!({})).await.ok();
        let types = reply["__schema"]["types"].as_array().unwrap().iter();
        Self(types.map(|kind| (text(&kind["name"]), kind.clone())).collect())
    }

    pub fn fields(&self, kind: &str) -> Vec<Value> {
        self.0[kind]["fields"].as_array().cloned().unwrap_or_default()
    }

    pub fn nodes(&self) -> BTreeSet<String> {
        let kinds = self.0["Node"]["possibleTypes"].as_array().unwrap().iter();
        kinds.map(|kind| text(&kind["name"])).collect()
    }

    /// Names of arguments, and of what their inputs hold, that can name a thing.
    fn naming(&self, args: &Value) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for arg in args.as_array().into_iter().flatten() {
            let kind = named_type(&arg["type"]);
            let inputs = &self.0[&kind]["inputFields"];
            match kind.as_str() {
                "ID" => drop(names.insert(text(&arg["name"]))),
                "Long" if arg["name"] == "number" => drop(names.insert("number".to_owned())),
                _ => names.extend(self.naming(inputs)),
            }
        }
        names
    }
}

/// The name of a type without lists and marks around it.
pub fn named_type(kind: &Value) -> String {
    match kind["name"].as_str() {
        Some(name) => name.to_owned(),
        None => named_type(&kind["ofType"]),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every field has a rule, and every argument that can name a thing is given one in some rule.
fn every_field_is_ruled(schema: &Schema, root: &str, rules: &[Rule]) {
    let fields = schema.fields(root);
    let in_schema: BTreeSet<_> = fields.iter().map(|field| text(&field["name"])).collect();
    let ruled: BTreeSet<_> = rules.iter().map(|rule| rule.field.to_owned()).collect();
    assert_eq!(ruled, in_schema, "{root}");
    for field in fields {
        let name = field["name"].as_str().unwrap();
        let calls: Vec<_> =
            rules.iter().filter(|rule| rule.field == name).map(|rule| rule.call).collect();
        for argument in schema.naming(&field["args"]) {
            let given = [format!("{argument}: $"), format!("{argument}: [$")];
            let is_given = calls.iter().any(|call| given.iter().any(|given| call.contains(given)));
            assert!(is_given, "{root}.{name} has no rule with {argument}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_argument_and_kind_of_node_has_a_rule() {
    let app = TestApp::new().await;
    let schema = Schema::of(&app).await;

    every_field_is_ruled(&schema, "Query", QUERIES);
    every_field_is_ruled(&schema, "Mutation", MUTATIONS);
    every_field_is_ruled(&schema, "Subscription", SUBSCRIPTIONS);

    let ruled: BTreeSet<_> = NODES.iter().map(|rule| rule.field.to_owned()).collect();
    assert_eq!(ruled, schema.nodes());
}
