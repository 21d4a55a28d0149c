//! The log of an instance, for people: what was asked of it, what became of that, and what the
//! cluster complained of. Each line is drawn from an event, so none can be forgotten.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    events::{EventType, NewEvent},
    ids::{InstanceId, InstanceLogId},
    page::PageKey,
};

/// A line in the log of an instance.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceLog {
    pub id: InstanceLogId,
    pub instance_id: InstanceId,
    pub log_type: LogType,
    pub message: String,
    pub data: Option<Value>,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogType {
    Info,
    Error,
    Warning,
    StateChange,
}

impl LogType {
    pub const ALL: &[Self] = &[Self::Info, Self::Error, Self::Warning, Self::StateChange];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::StateChange => "STATE_CHANGE",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|log_type| log_type.as_str() == text)
    }
}

impl InstanceLog {
    /// The lines that an event leaves in the log of its instance.
    pub(crate) fn of(event: &NewEvent, at: Timestamp) -> Vec<Self> {
        let Ok(instance_id) = event.subject.id.parse() else {
            return Vec::new();
        };
        let line = |(log_type, message, data)| Self {
            id: InstanceLogId::fresh(),
            instance_id,
            log_type,
            message,
            data,
            created_at: at,
        };
        lines(event).into_iter().flatten().map(line).collect()
    }

    pub fn page_key(&self) -> PageKey {
        PageKey::new(self.created_at, self.id)
    }
}

type Line = (LogType, String, Option<Value>);

fn lines(event: &NewEvent) -> [Option<Line>; 2] {
    let data = &event.data;
    match event.event_type {
        EventType::InstanceCreated => {
            let message = format!("{} was created", text(data, "name"));
            [Some((LogType::Info, message, None)), None]
        }
        EventType::InstanceSpecChanged | EventType::InstanceImageUpdated => {
            let changed = json!({ "spec": data["spec"] });
            let message = "the specification was changed".to_owned();
            [Some((LogType::Info, message, Some(changed))), state_change(event)]
        }
        EventType::InstanceK8sSync => [trouble(event, &data["runtime"], "errorReason"), None],
        EventType::PodAdded | EventType::PodModified => [trouble(event, data, "reason"), None],
        event_type if EventType::INSTANCE.contains(&event_type) => {
            [state_change(event), failure(data)]
        }
        _ => [None, None],
    }
}

fn state_change(event: &NewEvent) -> Option<Line> {
    let (from, to) = (event.previous.as_deref()?, text(&event.data, "status"));
    let change = json!({ "from": from, "to": to });
    (from != to).then(|| (LogType::StateChange, format!("{from} -> {to}"), Some(change)))
}

fn failure(data: &Value) -> Option<Line> {
    let failure = data["failure"].as_str()?;
    Some((LogType::Error, failure.to_owned(), None))
}

/// A reason that was not the one before.
fn trouble(event: &NewEvent, seen: &Value, field: &str) -> Option<Line> {
    let reason = seen[field].as_str().filter(|reason| event.previous.as_deref() != Some(reason))?;
    let message = match seen["message"].as_str() {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    };
    let pod = seen["name"].as_str().map(|pod| json!({ "pod": pod, "restarts": seen["restarts"] }));
    Some((LogType::Warning, message, pod))
}

fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Subject;

    fn lines_of(event_type: EventType, previous: Option<&str>, data: Value) -> Vec<String> {
        let event = NewEvent {
            event_type,
            subject: Subject { id: InstanceId::fresh().to_string(), parent_id: None },
            tenant_id: None,
            previous: previous.map(str::to_owned),
            data,
        };
        let lines = InstanceLog::of(&event, Timestamp::UNIX_EPOCH);
        lines
            .into_iter()
            .map(|line| format!("{} {}", line.log_type.as_str(), line.message))
            .collect()
    }

    #[test]
    fn a_failure_is_a_state_change_and_an_error() {
        let data = json!({ "status": "FAILED", "failure": "await_rollout: timeout" });

        assert_eq!(
            lines_of(EventType::InstanceStatusChanged, Some("CREATING"), data),
            ["STATE_CHANGE CREATING -> FAILED", "ERROR await_rollout: timeout"]
        );
    }

    #[test]
    fn what_the_cluster_complains_of_is_a_warning_once() {
        let pod = json!({ "name": "web-1", "reason": "CrashLoopBackOff", "message": "back-off" });

        assert_eq!(
            lines_of(EventType::PodModified, None, pod.clone()),
            ["WARNING CrashLoopBackOff: back-off"]
        );
        assert!(lines_of(EventType::PodModified, Some("CrashLoopBackOff"), pod).is_empty());
    }
}
