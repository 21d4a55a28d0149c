use std::collections::{HashMap, HashSet};

use domain::{
    events::{Event, EventFilter, EventType},
    store::Store,
};
use persistence::SqlStore;

use super::{Findings, Verdict};
use crate::model;

const PAGE: usize = 500;
/// What happens to an order or an instance once at most.
const ONCE: [EventType; 6] = [
    EventType::OrderPlaced,
    EventType::OrderPaid,
    EventType::OrderCompleted,
    EventType::OrderCancelled,
    EventType::InstanceCreated,
    EventType::InstanceDeleted,
];

/// The log as far as it has been read.
#[derive(Default)]
struct Story {
    last: HashMap<String, String>,
    attempts: HashMap<String, i64>,
    seen: HashSet<(String, EventType)>,
    succeeded: HashSet<String>,
}

/// Judges by what the store's log says was done, and whether `statuses` are where it leads.
pub async fn judge(
    store: &SqlStore,
    head: i64,
    statuses: &HashMap<String, String>,
    findings: &mut Findings,
) {
    let (mut story, mut position) = (Story::default(), 0);
    loop {
        let mut reader = store.read().await.unwrap();
        let page = reader.events_after(position, head, &EventFilter::default(), PAGE).await;
        let page = page.unwrap();
        let Some(end) = page.last() else { break };
        position = end.position;
        page.iter().for_each(|event| story.go_on(event, findings));
    }
    for (id, status) in statuses {
        let told = story.last.get(id).map_or("nothing", String::as_str);
        if told != status {
            findings.add(Verdict::StaleWrite, format!("{id} is {status}; the log says {told}"));
        }
    }
}

impl Story {
    fn go_on(&mut self, event: &Event, findings: &mut Findings) {
        let id = &event.subject.id;
        let kind = event.event_type;
        if ONCE.contains(&kind) && !self.seen.insert((id.clone(), kind)) {
            findings.add(Verdict::ExecutedTwice, format!("{id}: {} again", kind.as_str()));
        }
        let Some(to) = model::status(kind, &event.data) else { return };
        if let Some(attempt) = event.data["attempt"].as_i64() {
            let before = self.attempts.insert(id.clone(), attempt).unwrap_or(0);
            if attempt < before {
                let what = format!("{id}: attempt {attempt} after attempt {before}");
                findings.add(Verdict::StaleWrite, what);
            }
        }
        let from = self.last.insert(id.clone(), to.to_owned());
        if event.previous.is_some() && event.previous != from {
            let what = format!("{id}: {:?} -> {to}, but it was {from:?}", event.previous);
            findings.add(Verdict::StaleWrite, what);
        }
        if to == "SUCCESS" && !self.succeeded.insert(id.clone()) {
            findings.add(Verdict::ExecutedTwice, format!("{id}: a second success"));
        }
        let Some(from) = from else { return };
        if kind == EventType::TaskChanged && from == "SUCCESS" {
            findings.add(Verdict::StaleWrite, format!("{id}: {to} after its success"));
        } else if from != to && !model::listed(id, &from, to) {
            findings.add(Verdict::StaleWrite, format!("{id}: {from} -> {to} is no transition"));
        }
    }
}
