//! Subscriptions. A process reads the log once and hands each event to those who follow its
//! topic. A subscriber registers first, then reads from its cursor to the head, then drains what
//! came meanwhile; one that falls behind goes back to reading the log, so that nobody's slowness
//! grows a queue.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use domain::{
    ControlPlane, Result,
    events::{Cursor, Event, EventFilter},
};
use futures::{Stream, StreamExt, stream};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::place::Place;
use crate::metrics::EventDelay;

/// How many events a topic holds for a subscriber before it has to go back to the log.
const TOPIC_CAPACITY: usize = 64;
/// How many events are read from the log at once.
const BATCH: usize = 200;
/// How long the tail waits for a wake-up before it looks for itself.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a subscriber follows: everything, or what is about one thing or belongs to it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Topic {
    All,
    About(String),
}

/// The end of the event log, as this process follows it.
pub struct LogTail {
    control_plane: Arc<ControlPlane>,
    topics: Mutex<HashMap<Topic, broadcast::Sender<Arc<Event>>>>,
    head: watch::Sender<Cursor>,
    delay: EventDelay,
}

/// Where a subscriber stands.
struct Follower {
    tail: Arc<LogTail>,
    live: broadcast::Receiver<Arc<Event>>,
    filter: EventFilter,
    /// The last event that was looked at.
    position: Cursor,
    /// Read from the log, not handed out yet.
    backlog: VecDeque<Arc<Event>>,
    /// Up to where the log is read before going live.
    catching_up_to: Option<Cursor>,
    /// Whether it goes on once it has caught up.
    goes_live: bool,
    /// Where the reader is told how far nothing is missing.
    place: Option<Arc<Place>>,
    failed: bool,
}

impl LogTail {
    pub async fn new(control_plane: Arc<ControlPlane>, delay: EventDelay) -> Result<Arc<Self>> {
        let head = watch::Sender::new(control_plane.cursor().await?);
        Ok(Arc::new(Self { control_plane, topics: Mutex::default(), head, delay }))
    }

    /// The newest safe position that this process has seen.
    pub fn head(&self) -> Cursor {
        *self.head.borrow()
    }

    /// Follows the log until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut wake_ups = self.control_plane.wake_ups();
        while !stop.is_cancelled() {
            if let Err(error) = self.advance().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the log cannot be read");
            }
            tokio::select! {
                _ = wake_ups.next() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn advance(&self) -> Result<()> {
        let head = self.control_plane.cursor().await?;
        let mut position = self.head();
        while position < head && self.is_followed() {
            let everything = EventFilter::default();
            let events =
                self.control_plane.events_between(position, head, &everything, BATCH).await?;
            let Some(last) = events.last() else { break };
            position = Cursor(last.position);
            events.into_iter().for_each(|event| self.publish(event));
            self.head.send_replace(position);
        }
        self.head.send_if_modified(|known| {
            let newer = *known < head;
            *known = head.max(*known);
            newer
        });
        Ok(())
    }

    fn is_followed(&self) -> bool {
        let mut topics = self.topics();
        topics.retain(|_, sender| sender.receiver_count() > 0);
        !topics.is_empty()
    }

    fn publish(&self, event: Event) {
        self.delay.handed_out(event.at);
        let topics = self.topics();
        let about = [Some(event.subject.id.clone()), event.subject.parent_id.clone()];
        let about = about.into_iter().flatten().map(Topic::About);
        let event = Arc::new(event);
        for topic in about.chain([Topic::All]) {
            if let Some(sender) = topics.get(&topic) {
                // Nobody left to hear it is fine.
                let _ = sender.send(event.clone());
            }
        }
    }

    fn register(&self, topic: Topic) -> broadcast::Receiver<Arc<Event>> {
        self.topics()
            .entry(topic)
            .or_insert_with(|| broadcast::Sender::new(TOPIC_CAPACITY))
            .subscribe()
    }

    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, broadcast::Sender<Arc<Event>>>> {
        self.topics.lock().expect("nothing panics while it holds this lock")
    }

    /// Everything that matches after a cursor, in order, and then what happens from there on;
    /// without a cursor only the latter. Ends after an error.
    pub async fn follow(
        self: Arc<Self>,
        topic: Topic,
        filter: EventFilter,
        after: Option<Cursor>,
        place: Option<Arc<Place>>,
    ) -> Result<impl Stream<Item = Result<Arc<Event>>> + use<>> {
        let live = self.register(topic);
        let until = place.as_ref().and_then(|place| place.until());
        let head = self.control_plane.cursor().await?;
        let head = until.map_or(head, |until| until.min(head));
        let position = match after {
            Some(after) => self.control_plane.resumable(after).await?,
            None => head,
        };
        let follower = Follower {
            tail: self,
            live,
            filter,
            position,
            backlog: VecDeque::new(),
            catching_up_to: Some(head).filter(|head| position < *head),
            goes_live: until.is_none(),
            place,
            failed: false,
        };
        Ok(stream::unfold(follower, async |mut follower| {
            let next = follower.next().await?;
            Some((next, follower))
        }))
    }
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Arc<Event>>> {
        loop {
            if self.failed {
                return None;
            }
            if let Some(event) = self.backlog.pop_front() {
                return Some(Ok(event));
            }
            if let Some(head) = self.catching_up_to {
                if let Err(error) = self.read_on(head).await {
                    self.failed = true;
                    return Some(Err(error));
                }
                continue;
            }
            if !self.goes_live {
                return None;
            }
            match self.hear().await {
                Ok(event) if event.position <= self.position.position() => {}
                Ok(event) => {
                    self.position = Cursor(event.position);
                    if self.filter.matches(&event) {
                        return Some(Ok(event));
                    }
                }
                Err(RecvError::Lagged(_)) => self.catching_up_to = Some(self.tail.head()),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next event of the topic. Whoever is asked for it has handed out all before; while there
    /// is none, the reader's place moves with the head of the log.
    async fn hear(&mut self) -> Result<Arc<Event>, RecvError> {
        let Some(place) = &self.place else {
            return self.live.recv().await;
        };
        loop {
            // In this order: what the head covers has been sent to the topic before it.
            let head = self.tail.head();
            if self.live.is_empty() {
                place.nothing_up_to(head.max(self.position));
            }
            if let Ok(heard) = timeout(place.look_every(), self.live.recv()).await {
                return heard;
            }
        }
    }

    async fn read_on(&mut self, head: Cursor) -> Result<()> {
        let control_plane = &self.tail.control_plane;
        let events = control_plane.events_between(self.position, head, &self.filter, BATCH).await?;
        match events.last() {
            Some(last) if events.len() == BATCH => self.position = Cursor(last.position),
            _ => {
                self.position = self.position.max(head);
                self.catching_up_to = None;
            }
        }
        self.backlog.extend(events.into_iter().map(Arc::new));
        Ok(())
    }
}
