use serde_json::{Map, Value};

use super::mask::{is_incidental, is_volatile, mask};

/// Where a list of simulated resources says of one what the recorded list does not.
pub fn differences_of_parts(recorded: &Value, simulated: &Value) -> Vec<String> {
    let mut found = Vec::new();
    visit_parts(recorded, simulated, "", &mut found);
    found
}

fn visit_parts(recorded: &Value, simulated: &Value, path: &str, found: &mut Vec<String>) {
    match (recorded, simulated) {
        (Value::Array(ours), Value::Array(theirs)) => {
            for part in theirs.iter().filter(|part| part.is_object()) {
                let path = format!("{path}[{}]", title(part));
                match ours.iter().find(|known| title(known) == title(part)) {
                    Some(known) => visit_parts(known, part, &path, found),
                    None => found.push(format!("{path}: not recorded")),
                }
            }
            if theirs.iter().any(|part| !part.is_object()) {
                visit(recorded, simulated, path, found);
            }
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                let other = ours.get(name).unwrap_or(&Value::Null);
                visit_parts(other, value, &format!("{path}.{name}"), found);
            }
        }
        _ => visit(recorded, simulated, path, found),
    }
}

/// What tells the entries of discovery apart.
fn title(part: &Value) -> String {
    let names = ["name", "resource", "subresource", "version"].map(|field| &part[field]);
    let own = names.into_iter().find(|name| name.is_string());
    own.unwrap_or(&part["metadata"]["name"]).to_string()
}

/// Where a simulated answer does not mean what the recorded one means.
pub fn differences(recorded: &Value, simulated: &Value, without: &str) -> Vec<String> {
    let mut found = Vec::new();
    visit(&pruned(recorded, ""), &pruned(simulated, without), "", &mut found);
    found
}

fn visit(recorded: &Value, simulated: &Value, path: &str, found: &mut Vec<String>) {
    match (recorded, simulated) {
        (Value::Object(ours), Value::Object(theirs)) => {
            visit_fields(ours, theirs, path, found);
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let field = path.rsplit('.').next().unwrap_or_default();
            let pairs = in_order(field, ours).into_iter().zip(in_order(field, theirs));
            for (index, (one, other)) in pairs.enumerate() {
                visit(one, other, &format!("{path}[{index}]"), found);
            }
        }
        (Value::String(ours), Value::String(theirs)) if mask(ours) == mask(theirs) => {}
        (ours, theirs) if ours == theirs => {}
        _ => found.push(format!("{path}: recorded {recorded}, simulated {simulated}")),
    }
}

fn visit_fields(
    recorded: &Map<String, Value>,
    simulated: &Map<String, Value>,
    path: &str,
    found: &mut Vec<String>,
) {
    if let Some(Value::Object(metadata)) = recorded.get("metadata")
        && metadata.len() == 1
        && metadata.contains_key("name")
    {
        let name = simulated.get("metadata").map(|metadata| &metadata["name"]);
        return visit(&metadata["name"], name.unwrap_or(&Value::Null), path, found);
    }
    let extra = simulated.keys().filter(|name| !recorded.contains_key(*name));
    for name in recorded.keys().chain(extra) {
        let path = format!("{path}.{name}");
        let inside_status = path.contains("containerStatuses") && name == "resources";
        if is_incidental(name) || inside_status {
            continue;
        }
        match (recorded.get(name), simulated.get(name)) {
            (Some(_), Some(_)) if is_volatile(name) => {}
            (Some(ours), Some(theirs)) => visit(ours, theirs, &path, found),
            (Some(ours), None) => found.push(format!("{path}: recorded {ours}, not simulated")),
            // Owners were left out of most recordings.
            (None, _) if name == "managedFields" => {}
            (None, theirs) => {
                let theirs = theirs.unwrap_or(&Value::Null);
                found.push(format!("{path}: not recorded, simulated {theirs}"));
            }
        }
    }
}

/// Lists whose order depends on random names or on the time, put in an order of their own.
pub fn in_order<'a>(field: &str, list: &'a [Value]) -> Vec<&'a Value> {
    let mut list: Vec<&Value> = list.iter().collect();
    let text = |value: &Value| mask(value.as_str().unwrap_or_default());
    match field {
        "managedFields" => list.sort_by_key(|entry| {
            let fields = ["manager", "operation", "subresource"];
            fields.map(|field| text(&entry[field]))
        }),
        "items" => list.sort_by_key(|item| {
            let metadata = &item["metadata"];
            let revision = &metadata["annotations"]["deployment.kubernetes.io/revision"];
            let story = [&item["reason"], &item["message"], revision].map(text);
            (text(&metadata["name"]), story)
        }),
        "conditions" => list.sort_by_key(|condition| text(&condition["type"])),
        _ => {}
    }
    list
}

/// The value without the fields that the recording lacks, names within names masked.
fn pruned(value: &Value, without: &str) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(name, _)| !without.split(' ').any(|field| field == *name))
            .map(|(name, value)| (masked_key(name), pruned(value, without)))
            .collect(),
        Value::Array(list) => list.iter().map(|value| pruned(value, without)).collect(),
        other => other.clone(),
    }
}

fn masked_key(name: &str) -> String {
    if name.starts_with("k:{") { mask(name) } else { name.to_owned() }
}
