//! What other systems are told of instances, without asking the graph: the last snapshot of each,
//! and a stream of what happens to them.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Instance, Snapshot};
use crate::{
    control_plane::ControlPlane,
    error::{Error, Result},
    events::{Event, EventFilter, EventType},
    ids::{InstanceId, UserId},
    runtime::Owner,
    work::image,
};

/// How many events are passed on at once.
const BATCH: usize = 200;

#[async_trait]
pub trait Mirror: Send + Sync {
    /// The id of the newest message, which is the position of its event.
    async fn newest(&self) -> Result<Option<i64>>;

    /// Adds a message, unless it or a newer one is there.
    async fn tell(&self, id: i64, message: &Message) -> Result<()>;

    /// Keeps a snapshot, unless one of a later position is there; `None` is that of an instance
    /// that is gone.
    async fn keep(&self, number: i64, position: i64, snapshot: Option<&Snapshot>) -> Result<()>;
}

/// What has happened to an instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    pub event_type: &'static str,
    /// The instance's number.
    pub instance_id: i64,
    /// In seconds since 1970.
    pub timestamp: i64,
    /// The owner's number.
    pub user_id: i64,
    pub name: String,
    pub data: Value,
}

/// An instance with all that is told of it.
struct Subject {
    instance: Instance,
    owner: i64,
    snapshot: Snapshot,
}

impl ControlPlane {
    /// Passes on what has happened behind a position, or behind what was told last; answers with
    /// the position reached. What was passed on may be so again, which changes nothing.
    pub async fn mirror_events(&self, after: Option<i64>) -> Result<i64> {
        let after = match after {
            Some(after) => after,
            None => self.told_last().await?,
        };
        let head = self.cursor().await?.position();
        if head <= after {
            return Ok(after);
        }
        let types = [EventType::INSTANCE, EventType::POD].concat();
        let filter = EventFilter { types: Some(types), ..EventFilter::default() };
        let events = self.reader().await?.events_after(after, head, &filter, BATCH).await?;
        let subjects = self.subjects(&events).await?;
        self.keep_snapshots(&events, &subjects).await?;
        for event in events.iter().filter(|event| EventType::INSTANCE.contains(&event.event_type)) {
            if let Some(subject) = subjects.get(&event.subject.id) {
                let message = self.message(event, subject)?;
                self.ports.mirror.tell(event.position, &message).await?;
            }
        }
        let full = events.last().filter(|_| events.len() == BATCH);
        Ok(full.map_or(head, |event| event.position))
    }

    async fn told_last(&self) -> Result<i64> {
        if let Some(newest) = self.ports.mirror.newest().await? {
            return Ok(newest);
        }
        let earliest = self.reader().await?.earliest_position().await?;
        Ok(earliest.map_or(0, |position| position - 1))
    }

    /// Before the messages: whoever hears of a change finds it.
    async fn keep_snapshots(
        &self,
        events: &[Event],
        subjects: &HashMap<String, Subject>,
    ) -> Result<()> {
        let last: HashMap<&str, i64> =
            events.iter().map(|event| (event.subject.id.as_str(), event.position)).collect();
        for (id, position) in last {
            if let Some(Subject { instance, snapshot, .. }) = subjects.get(id) {
                let snapshot = Some(snapshot).filter(|_| instance.deleted_at.is_none());
                self.ports.mirror.keep(instance.number, position, snapshot).await?;
            }
        }
        Ok(())
    }

    /// The instances that events are about, as they are now.
    async fn subjects(&self, events: &[Event]) -> Result<HashMap<String, Subject>> {
        let mut ids: Vec<InstanceId> =
            events.iter().filter_map(|event| event.subject.id.parse().ok()).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        ids.sort_unstable();
        ids.dedup();
        let mut reader = self.reader().await?;
        let instances = reader.instances_by_id(&ids).await?;
        let people: Vec<UserId> = instances.iter().map(|instance| instance.owner_id).collect();
        let people = reader.users_by_id(&people).await?;
        let runtimes = reader.runtimes(&ids).await?;
        let owners: Vec<_> = ids.iter().map(|id| Owner::Instance(*id)).collect();
        let pods = reader.pods_of(&owners).await?;
        let subject = |instance: Instance| {
            let owner = people.iter().find(|user| user.id == instance.owner_id);
            let seen = runtimes.iter().find(|seen| seen.instance_id == instance.id);
            let pods: Vec<_> = pods
                .iter()
                .filter(|pod| pod.owner == Owner::Instance(instance.id))
                .cloned()
                .collect();
            let snapshot = Snapshot::of(&instance, seen, &pods);
            let owner = owner.map_or(0, |user| user.number);
            (instance.id.to_string(), Subject { instance, owner, snapshot })
        };
        Ok(instances.into_iter().map(subject).collect())
    }

    fn message(&self, event: &Event, subject: &Subject) -> Result<Message> {
        let then: Instance =
            serde_json::from_value(event.data.clone()).map_err(Error::internal_from)?;
        Ok(Message {
            event_type: event.event_type.as_str(),
            instance_id: then.number,
            timestamp: event.at.as_second(),
            user_id: subject.owner,
            name: then.name.clone(),
            data: self.data(event, &then, &subject.snapshot)?,
        })
    }

    fn data(&self, event: &Event, then: &Instance, snapshot: &Snapshot) -> Result<Value> {
        Ok(match event.event_type {
            EventType::InstanceCreated
            | EventType::InstanceSpecChanged
            | EventType::InstanceImageUpdated
            | EventType::InstanceImageRemoved => json!({
                "cpu": cores(then.spec.cpu_millis),
                "memory": then.spec.memory_mib,
                "gpu": then.spec.gpu.as_ref().map(|gpu| gpu.kind),
                "image": then.spec.image,
            }),
            EventType::InstanceNetworkUpdated => {
                let endpoint = self.endpoint(then);
                json!({ "endpoint_url": endpoint.url, "domain": then.host, "port": endpoint.port })
            }
            EventType::InstanceK8sSync => image(snapshot)?,
            _ => json!({ "status": then.status.as_str(), "previous": event.previous }),
        })
    }
}

/// Whole cores where they are whole.
fn cores(millis: i32) -> Value {
    match millis % 1000 {
        0 => json!(millis / 1000),
        _ => json!(f64::from(millis) / 1000.0),
    }
}
