//! What a LimitRange gives to containers, and forbids them.

use serde_json::{Value, json};

use crate::{
    kinds::{Kind, LIMIT_RANGE, POD},
    object::{entries, items, name, namespace, text},
    quantity::Quantity,
    state::State,
    status_error::{Result, StatusError},
};

impl State {
    /// Fills in and checks the resources of a Pod's containers.
    pub(super) fn admit_to_limits(&self, kind: &Kind, pod: &mut Value) -> Result<()> {
        if *kind != POD {
            return Ok(());
        }
        let ranges = self.storage.list(&LIMIT_RANGE, Some(namespace(pod)));
        let limits: Vec<Value> = ranges
            .flat_map(|(_, range)| items(&range["spec"]["limits"]))
            .filter(|limit| limit["type"] == "Container")
            .cloned()
            .collect();
        for limit in &limits {
            let given = fill(pod, limit);
            if !given.is_empty() {
                let text = format!("LimitRanger plugin set: {}", given.join("; "));
                pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] = json!(text);
            }
            let excesses = excesses(pod, limit);
            if !excesses.is_empty() {
                let why = match excesses.as_slice() {
                    [one] => one.clone(),
                    many => format!("[{}]", many.join(", ")),
                };
                return Err(StatusError::forbidden(kind, name(pod), &why));
            }
        }
        Ok(())
    }
}

/// Puts the defaults where a container says nothing, and tells what has been put.
fn fill(pod: &mut Value, limit: &Value) -> Vec<String> {
    let mut given = Vec::new();
    let containers = pod["spec"]["containers"].as_array_mut();
    for container in containers.into_iter().flatten() {
        let container_name = text(&container["name"]).to_owned();
        let resources = &mut container["resources"];
        for (list, field, word) in
            [("requests", "defaultRequest", "request"), ("limits", "default", "limit")]
        {
            let mut set = Vec::new();
            for (unit, amount) in entries(&limit[field]) {
                if resources[list][unit].is_null() {
                    resources[list][unit] = amount.clone();
                    set.push(unit.as_str());
                }
            }
            if !set.is_empty() {
                let units = set.join(", ");
                given.push(format!("{units} {word} for container {container_name}"));
            }
        }
    }
    given
}

fn excesses(pod: &Value, limit: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for container in items(&pod["spec"]["containers"]) {
        let resources = &container["resources"];
        for (bound, list, word, over) in
            [("max", "limits", "maximum", true), ("min", "requests", "minimum", false)]
        {
            for (unit, amount) in entries(&limit[bound]) {
                let given = &resources[list][unit];
                let (Some(edge), Some(size)) = (Quantity::of(amount), Quantity::of(given)) else {
                    continue;
                };
                let out = if over { size.exceeds(edge) } else { edge.exceeds(size) };
                if out {
                    let kind = list.trim_end_matches('s');
                    found.push(format!(
                        "{word} {unit} usage per Container is {edge}, but {kind} is {size}"
                    ));
                }
            }
        }
    }
    found
}
