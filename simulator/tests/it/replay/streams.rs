//! Compares what two watches tell, however many steps each took.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{compare, mask::mask};

pub fn differences(recorded: &[Value], simulated: &[Value]) -> Vec<String> {
    let (ours, theirs) = (stories(recorded), stories(simulated));
    let mut found = match (mark(recorded), mark(simulated)) {
        (Some(ours), Some(theirs)) => compare::differences(ours, theirs, ""),
        (Some(_), None) => vec!["no bookmark".to_owned()],
        _ => Vec::new(),
    };
    for (name, story) in &ours {
        if theirs.get(name) != Some(story) {
            let other = theirs.get(name);
            found.push(format!("{name}: recorded {story:?}, simulated {other:?}"));
        }
    }
    let extra = theirs.keys().filter(|name| !ours.contains_key(*name));
    found.extend(extra.map(|name| format!("{name}: not recorded, simulated {:?}", theirs[name])));
    found
}

/// The events with no more than one bookmark in a row.
pub fn settled(mut events: Vec<Value>) -> Value {
    events.dedup_by(|next, last| next["type"] == "BOOKMARK" && last["type"] == "BOOKMARK");
    Value::Array(events)
}

fn mark(events: &[Value]) -> Option<&Value> {
    events.iter().find(|event| event["type"] == "BOOKMARK")
}

/// The steps of each object, equal ones in a row being one; Events by what they say.
fn stories(events: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut by_name: BTreeMap<&str, (String, Vec<String>)> = BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] != "BOOKMARK") {
        let object = &event["object"];
        let text = |value: &Value| mask(value.as_str().unwrap_or_default());
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let title = match object["reason"].as_str() {
            Some(reason) => format!("{} {reason}", text(&object["involvedObject"]["kind"])),
            None => mask(name),
        };
        let (_, steps) = by_name.entry(name).or_insert((title, Vec::new()));
        let step = event["type"].as_str().unwrap_or_default().to_owned();
        if steps.last() != Some(&step) {
            steps.push(step);
        }
    }
    let mut stories: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (title, mut steps) in by_name.into_values() {
        if title.contains(' ') {
            steps.clear();
        }
        let story = stories.entry(title).or_default();
        if story.is_empty() || !steps.is_empty() {
            story.push(steps.join(" "));
        }
    }
    stories.values_mut().for_each(|story| story.sort());
    stories
}
