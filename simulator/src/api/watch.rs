use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::body::Bytes;
use futures::{Stream, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;

use super::{
    answer::Answer,
    list::{Selection, version_given},
    representation::Representation,
    request::Call,
};
use crate::{
    clock::later,
    cluster::Cluster,
    kinds::{DEPLOYMENT, EVENT, INGRESS, JOB, Kind, POD, REPLICA_SET, SERVICE, STATEFUL_SET},
    state::State,
    status_error::{Cause, Result, StatusError},
    storage::{Change, Forgotten},
};

/// How long a watch lasts that does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

/// How long before its end a watch gets a last bookmark.
const FAREWELL: Duration = Duration::from_secs(2);

/// An open watch: where it stands, and the lines it has yet to send.
pub(super) struct Watch {
    cluster: Cluster,
    kind: &'static Kind,
    namespace: Option<String>,
    selection: Selection,
    representation: Representation,
    /// Whether an event has been told.
    begun: bool,
    bookmarks: bool,
    /// The version up to which all is told.
    position: u64,
    lines: VecDeque<String>,
    /// How many changes there were to tell.
    changes: u64,
    next_bookmark: Timestamp,
    /// When the last bookmark falls due.
    farewell: Timestamp,
    deadline: Timestamp,
    epoch: u64,
    expiry: u64,
    ended: bool,
    pulse: Receiver<u64>,
}

pub(super) fn open(cluster: &Cluster, call: &Call) -> Result<Answer> {
    let selection = Selection::of(call)?;
    let initial = call.query.flag("sendInitialEvents");
    if initial && call.query.text("resourceVersionMatch") != Some("NotOlderThan") {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        let cause = Cause::forbidden("resourceVersionMatch", why);
        return Err(StatusError::invalid_options("ListOptions", cause));
    }
    let timeout = call.query.number("timeoutSeconds")?.and_then(|n| u64::try_from(n).ok());
    let timeout = timeout.map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let farewell = timeout.saturating_sub(FAREWELL);
    let pulse = cluster.pulse();
    cluster.with_state(|state| {
        let from = version_given(call)?;
        let mut watch = Watch {
            cluster: cluster.clone(),
            kind: call.target.kind,
            namespace: call.target.namespace.clone(),
            selection,
            representation: call.representation,
            begun: false,
            bookmarks: call.query.flag("allowWatchBookmarks") && *call.target.kind != EVENT,
            position: from.unwrap_or_default(),
            lines: VecDeque::new(),
            changes: 0,
            next_bookmark: later(state.now, state.timing.bookmark.min(farewell)),
            farewell: later(state.now, farewell),
            deadline: later(state.now, timeout),
            epoch: state.watch_epoch,
            expiry: state.expiry_epoch,
            ended: false,
            pulse,
        };
        if initial || watch.position == 0 {
            watch.send_what_exists(state, initial);
        }
        watch.catch_up(state);
        Ok(Answer::Watch(Box::new(watch)))
    })
}

impl Watch {
    /// The events as JSON lines, until the watch ends.
    pub fn into_lines(self) -> impl Stream<Item = std::result::Result<Bytes, Infallible>> {
        stream::unfold(self, |mut watch| async move {
            let line = watch.next_line().await?;
            Some((Ok(Bytes::from(line)), watch))
        })
    }

    async fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            self.pulse.borrow_and_update();
            let cluster = self.cluster.clone();
            cluster.with_state(|state| self.catch_up(state));
            if self.lines.is_empty() && !self.ended {
                self.wait().await;
            }
        }
    }

    /// Until something has changed or, on the system's clock, the next moment that matters.
    async fn wait(&mut self) {
        let due = self.deadline.min(self.next_bookmark);
        let left = self.cluster.now().duration_until(due);
        let left = Duration::try_from(left).unwrap_or_default();
        if self.cluster.clock().is_system() {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = self.pulse.changed() => {}
            }
        } else if self.pulse.changed().await.is_err() {
            self.ended = true;
        }
    }

    fn send_what_exists(&mut self, state: &State, announce_end: bool) {
        let namespace = self.namespace.clone();
        for (_, object) in state.storage.list(self.kind, namespace.as_deref()) {
            if self.selection.includes(object) {
                self.tell(state, "ADDED", object);
            }
        }
        self.position = state.storage.version();
        if announce_end {
            let mut mark = bookmark(self.kind, self.position);
            mark["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
            self.tell(state, "BOOKMARK", &mark);
        }
    }

    fn catch_up(&mut self, state: &State) {
        if self.expiry != state.expiry_epoch {
            return self.fail(self.position, state.storage.version());
        }
        match state.storage.since(self.position) {
            Ok(changes) => {
                let kind = self.kind;
                for change in changes.filter(|change| change.key.kind == kind) {
                    let here = self.namespace.as_ref().is_none_or(|ns| *ns == change.key.namespace);
                    let news = here.then(|| told(change, &self.selection)).flatten();
                    if let Some((kind, object)) = news {
                        self.changes += 1;
                        if !state.faults.loses(self.changes) {
                            self.tell(state, kind, &object);
                        }
                    }
                }
                self.position = self.position.max(state.storage.version());
            }
            Err(Forgotten(horizon)) => return self.fail(self.position, horizon),
        }
        if state.now >= self.next_bookmark {
            let next = later(state.now, state.timing.bookmark);
            let soon = state.now < self.farewell;
            self.next_bookmark = if soon { next.min(self.farewell) } else { next };
            if self.bookmarks {
                self.tell(state, "BOOKMARK", &bookmark(self.kind, self.position));
            }
        }
        self.ended = self.epoch != state.watch_epoch || state.now >= self.deadline;
    }

    fn tell(&mut self, state: &State, kind: &str, object: &Value) {
        let first = !std::mem::replace(&mut self.begun, true);
        let line = match self.representation {
            Representation::Plain => event(kind, object),
            form => event(kind, &form.show_event(self.kind, object, state.now, first)),
        };
        self.lines.push_back(line);
    }

    fn fail(&mut self, wanted: u64, horizon: u64) {
        let message = format!("too old resource version: {wanted} ({horizon})");
        self.lines.push_back(event("ERROR", &StatusError::expired(message).to_json()));
        self.ended = true;
    }
}

/// What a change is to those who see only a selection.
fn told(change: &Change, selection: &Selection) -> Option<(&'static str, Arc<Value>)> {
    let was = !change.before.is_null() && selection.includes(&change.before);
    let is = !change.removed && selection.includes(&change.after);
    match (was, is) {
        (false, false) => None,
        (false, true) => Some(("ADDED", Arc::clone(&change.after))),
        (true, true) => Some(("MODIFIED", Arc::clone(&change.after))),
        (true, false) if change.removed => Some(("DELETED", Arc::clone(&change.after))),
        (true, false) => {
            let mut last = (*change.before).clone();
            last["metadata"]["resourceVersion"] = json!(change.version.to_string());
            Some(("DELETED", Arc::new(last)))
        }
    }
}

fn event(kind: &str, object: &Value) -> String {
    format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n")
}

/// An object with nothing but its version, and the zero values that the typed server writes out.
fn bookmark(kind: &Kind, version: u64) -> Value {
    let mut object = json!({
        "kind": kind.name,
        "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": version.to_string()},
    });
    let template = json!({"metadata": {}, "spec": {"containers": null}});
    let (spec, status) = if *kind == POD {
        (json!({"containers": null}), json!({}))
    } else if *kind == DEPLOYMENT {
        (json!({"replicas": 0, "selector": null, "template": template, "strategy": {}}), json!({}))
    } else if *kind == REPLICA_SET {
        (json!({"replicas": 0, "selector": null, "template": template}), json!({"replicas": 0}))
    } else if *kind == STATEFUL_SET {
        let spec = json!({
            "selector": null, "template": template, "serviceName": "", "updateStrategy": {},
        });
        (spec, json!({"replicas": 0, "availableReplicas": 0}))
    } else if *kind == JOB {
        (json!({"template": template}), json!({}))
    } else if *kind == SERVICE || *kind == INGRESS {
        (json!({}), json!({"loadBalancer": {}}))
    } else {
        return object;
    };
    object["spec"] = spec;
    object["status"] = status;
    object
}
