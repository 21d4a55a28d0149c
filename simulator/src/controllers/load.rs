use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::{
    object::{entries, items, text},
    quantity::Quantity,
};

/// What is taken of a node.
#[derive(Default)]
pub(super) struct Load {
    pub pods: usize,
    pub resources: BTreeMap<String, Quantity>,
}

/// What is taken of each node, kept up with every write of a Pod.
#[derive(Default)]
pub(crate) struct Loads(HashMap<String, Load>);

impl Loads {
    pub(super) fn on(&self, node: &str) -> Option<&Load> {
        self.0.get(node)
    }

    pub(super) fn add(&mut self, pod: &Value) {
        let Some(node) = node_taken(pod) else { return };
        let load = self.0.entry(node.to_owned()).or_default();
        load.pods += 1;
        for (resource, amount) in requests(pod) {
            let sum = load.resources.entry(resource).or_insert(Quantity::ZERO);
            *sum = sum.plus(amount);
        }
    }

    pub(super) fn subtract(&mut self, pod: &Value) {
        let Some(load) = node_taken(pod).and_then(|node| self.0.get_mut(node)) else {
            return;
        };
        load.pods = load.pods.saturating_sub(1);
        for (resource, amount) in requests(pod) {
            if let Some(sum) = load.resources.get_mut(&resource) {
                *sum = sum.minus(amount);
            }
        }
    }
}

/// The node where a Pod takes room.
fn node_taken(pod: &Value) -> Option<&str> {
    let node = text(&pod["spec"]["nodeName"]);
    let finished = matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed");
    (!node.is_empty() && !finished).then_some(node)
}

/// What all containers of a Pod ask for together.
pub(super) fn requests(pod: &Value) -> BTreeMap<String, Quantity> {
    let mut sums = BTreeMap::new();
    for container in items(&pod["spec"]["containers"]) {
        for (resource, amount) in entries(&container["resources"]["requests"]) {
            let sum = sums.entry(resource.clone()).or_insert(Quantity::ZERO);
            *sum = sum.plus(Quantity::of(amount).unwrap_or(Quantity::ZERO));
        }
    }
    sums
}
