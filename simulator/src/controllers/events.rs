use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    clock::later,
    ids::hash,
    kinds::EVENT,
    object::{int, micros, moment, name, namespace, seconds, uid, version},
    ownership::Writer,
    state::State,
    storage::Key,
};

/// Something worth telling about an object.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub component: &'static str,
    /// The node that tells it, if one does.
    pub host: String,
    pub warning: bool,
    pub reason: &'static str,
    pub message: String,
    /// The part of the object that it is about.
    pub field: String,
}

impl Note {
    pub fn normal(component: &'static str, reason: &'static str, message: String) -> Self {
        let (host, field) = (String::new(), String::new());
        Self { component, host, warning: false, reason, message, field }
    }

    pub fn warning(component: &'static str, reason: &'static str, message: String) -> Self {
        Self { warning: true, ..Self::normal(component, reason, message) }
    }

    pub fn of_container(mut self, host: &str, container: &str) -> Self {
        self.host = host.to_owned();
        self.field = format!("spec.containers{{{container}}}");
        self
    }
}

impl State {
    /// Makes an Event, or counts it if it has been told before.
    pub(super) fn tell(&mut self, about: &Value, note: &Note) {
        let identity = [uid(about), note.component, note.reason, &note.message, &note.field];
        let event = format!("{}.{:016x}", name(about), hash(&identity.join("\n")));
        let place = if namespace(about).is_empty() { "default" } else { namespace(about) };
        let key = Key::new(&EVENT, place, &event);
        let writer = Writer::controller(note.component);
        if let Some(known) = self.get(&key) {
            if known["count"].is_null() {
                return;
            }
            let mut again = (*known).clone();
            again["count"] = json!(int(&known["count"]) + 1);
            again["lastTimestamp"] = json!(seconds(self.now));
            return self.write(&key, again, &writer);
        }
        let object = self.event(about, note, &event);
        if let Err(refusal) = self.create(&EVENT, place, object, &writer) {
            tracing::debug!(refusal = refusal.message(), "an Event was refused");
        }
    }

    fn event(&self, about: &Value, note: &Note, name_of_event: &str) -> Value {
        let now = seconds(self.now);
        let mut involved = json!({
            "kind": about["kind"],
            "namespace": about["metadata"]["namespace"],
            "name": name(about),
            "uid": uid(about),
            "apiVersion": about["apiVersion"],
            "resourceVersion": version(about),
        });
        if !note.field.is_empty() {
            involved["fieldPath"] = json!(note.field);
        }
        let mut event = json!({
            "metadata": {"name": name_of_event},
            "involvedObject": involved,
            "reason": note.reason,
            "message": note.message,
            "type": if note.warning { "Warning" } else { "Normal" },
            "reportingComponent": note.component,
            "reportingInstance": note.host,
        });
        if note.component == "default-scheduler" {
            event["eventTime"] = json!(micros(self.now));
            event["action"] = json!(if note.warning { "Scheduling" } else { "Binding" });
            event["reportingInstance"] = json!("default-scheduler-0");
            event["source"] = json!({});
        } else {
            event["source"] = json!({"component": note.component});
            if !note.host.is_empty() {
                event["source"]["host"] = json!(note.host);
            }
            event["count"] = json!(1);
            event["firstTimestamp"] = json!(now);
            event["lastTimestamp"] = json!(now);
        }
        event
    }

    /// Events go when nothing has been added to them for a while.
    pub(super) fn expire_event(&mut self, key: &Key) -> Option<Timestamp> {
        let event = self.get(key)?;
        let last = ["lastTimestamp", "eventTime"].iter().find_map(|field| moment(&event[*field]));
        let last = last.or_else(|| moment(&event["metadata"]["creationTimestamp"]))?;
        let end = later(last, self.timing.event_retention);
        if end > self.now {
            return Some(end);
        }
        self.remove(key, (*event).clone());
        None
    }
}
