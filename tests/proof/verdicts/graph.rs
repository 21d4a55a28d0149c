use std::collections::HashMap;

use serde_json::{Value, json};

use super::{Findings, Verdict};
use crate::proof::{
    buyer::{Buyer, Purchase},
    fleet::Fleet,
};

const ORDERS: &str = "query($after: String) { orders(first: 50, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id status instance {
        id status spec { image } pods { ready }
        workflows(first: 50) { nodes { id kind status } }
    } } } }";

/// Judges by what clients see; answers with the status of each order and instance.
pub fn judge(fleet: &Fleet, buyers: &[Buyer], findings: &mut Findings) -> HashMap<String, String> {
    let mut statuses = HashMap::new();
    for buyer in buyers {
        let (total, orders) = orders(fleet, &buyer.token);
        if total > buyer.purchases.len() {
            let bought = buyer.purchases.len();
            findings.add(Verdict::Doubled, format!("{total} orders for {bought} purchases"));
        }
        for contradiction in &buyer.contradictions {
            findings.add(Verdict::Doubled, contradiction);
        }
        for purchase in &buyer.purchases {
            match orders.get(&purchase.order) {
                Some(order) => judge_purchase(purchase, order, findings),
                None => findings.add(Verdict::Lost, format!("order {}", purchase.order)),
            }
        }
        for (id, order) in orders {
            statuses.insert(id, text(&order["status"]));
            statuses.insert(text(&order["instance"]["id"]), text(&order["instance"]["status"]));
        }
    }
    statuses
}

fn judge_purchase(purchase: &Purchase, order: &Value, findings: &mut Findings) {
    let (name, instance) = (&purchase.name, &order["instance"]);
    if instance["id"] != purchase.instance.as_str() {
        findings.add(Verdict::Lost, format!("{name}: {} has become {instance}", purchase.instance));
    }
    let workflows = instance["workflows"]["nodes"].as_array().into_iter().flatten();
    let mut creations = 0;
    for workflow in workflows {
        creations += usize::from(workflow["kind"] == "provision_instance");
        if workflow["status"] == "PENDING" || workflow["status"] == "RUNNING" {
            findings.add(Verdict::Stuck, format!("{name}: {workflow}"));
        }
    }
    if creations > 1 {
        findings.add(Verdict::ExecutedTwice, format!("{name}: created {creations} times"));
    }
    let (status, paid) = (&instance["status"], &order["status"]);
    if purchase.deleted {
        if status != "DELETED" {
            findings.add(Verdict::Stuck, format!("{name}: deleted, and is {status}"));
        }
    } else if status == "FAILED" || paid == "CANCELLED" {
        findings.add(Verdict::Lost, format!("{name}: {paid}, its instance {status}"));
    } else if status != "RUNNING" || paid != "COMPLETED" {
        findings.add(Verdict::Stuck, format!("{name}: {paid}, its instance {status}"));
    } else if instance["pods"] != json!([{ "ready": true }]) {
        findings.add(Verdict::Stuck, format!("{name}: its pods are seen as {}", instance["pods"]));
    } else if instance["spec"]["image"] != purchase.image.as_str() {
        let image = &instance["spec"]["image"];
        findings
            .add(Verdict::Lost, format!("{name}: the change to {}, not {image}", purchase.image));
    }
}

/// How many orders there are, and each by its id.
fn orders(fleet: &Fleet, token: &str) -> (usize, HashMap<String, Value>) {
    let (mut orders, mut after) = (HashMap::new(), Value::Null);
    loop {
        let page = fleet.ask(token, ORDERS, &json!({ "after": after }))["orders"].clone();
        let nodes = page["nodes"].as_array().unwrap().iter();
        orders.extend(nodes.map(|order| (text(&order["id"]), order.clone())));
        if page["pageInfo"]["hasNextPage"] == false {
            let total = page["totalCount"].as_u64().unwrap();
            return (usize::try_from(total).unwrap(), orders);
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// How many workflows are not over.
pub fn live(fleet: &Fleet, tokens: &[String]) -> u64 {
    let document = "{ workflows(first: 1, filter: { status: [PENDING, RUNNING] }) { totalCount } }";
    let live = |token: &String| {
        let data = fleet.ask(token, document, &json!({}));
        data["workflows"]["totalCount"].as_u64().unwrap()
    };
    tokens.iter().map(live).sum()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
