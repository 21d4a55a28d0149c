//! Subscriptions that ask for the same are executed once. A feed runs one for all who may see the
//! same, and hands each item on as it is written. Whoever comes with a cursor, or falls behind,
//! has the subscription executed alone up to where the feed is, and goes on with the feed there.

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
};

use async_graphql::{
    Name,
    parser::types::{BaseType, ServiceDocument, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use domain::events::Cursor;
use futures::StreamExt;
use tokio::{select, sync::broadcast};

use super::{
    feed_reader::Reader,
    front_door::Desk,
    joinable::Joinable,
    question::{Item, Question},
};
use crate::graphql::Place;

/// How many items a feed holds for a reader before it has to go back to the log.
const CAPACITY: usize = 64;

pub struct Feeds {
    /// The fields of subscriptions that are resumed by a cursor.
    pub fields: HashSet<String>,
    running: Mutex<HashMap<String, Arc<Feed>>>,
}

/// What a feed hands out; none after the last item.
pub type Live = broadcast::Receiver<Option<Arc<Item>>>;

/// One subscription, executed for all who read along.
pub struct Feed {
    items: broadcast::Sender<Option<Arc<Item>>>,
    /// The position of the newest item, noted before it is handed out.
    sent: AtomicI64,
    pub place: Arc<Place>,
}

impl Feeds {
    pub fn new(schema: &ServiceDocument) -> Self {
        let fields = schema.definitions.iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(defined) if defined.node.name.node == "Subscription" => {
                Some(resumed_by_cursor(&defined.node))
            }
            _ => None,
        });
        Self { fields: fields.flatten().collect(), running: Mutex::default() }
    }

    /// Takes the feed out where nobody reads it any more.
    fn retire(&self, name: &str, feed: &Feed) -> bool {
        let mut running = self.running();
        let is_over = feed.items.receiver_count() == 0;
        if is_over {
            running.remove(name);
        }
        is_over
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<Feed>>> {
        self.running.lock().expect("nothing panics while it holds this lock")
    }
}

fn resumed_by_cursor(subscription: &TypeDefinition) -> Vec<String> {
    let TypeKind::Object(object) = &subscription.kind else { return Vec::new() };
    let cursor = BaseType::Named(Name::new("Cursor"));
    let resumed = object.fields.iter().filter(|field| {
        let mut arguments = field.node.arguments.iter().map(|argument| &argument.node);
        arguments.any(|argument| argument.name.node == "after" && argument.ty.node.base == cursor)
    });
    resumed.map(|field| field.node.name.node.to_string()).collect()
}

impl Feed {
    pub fn sent(&self) -> Cursor {
        Cursor(self.sent.load(Ordering::Acquire))
    }

    /// Nobody left to hear it is fine.
    fn hand_out(&self, item: Option<Item>) {
        let _ = self.items.send(item.map(Arc::new));
    }
}

impl Desk {
    /// Reads along with everybody who has asked for the same.
    pub async fn join(
        self: &Arc<Self>,
        joinable: Joinable,
        place: Arc<Place>,
    ) -> domain::Result<Reader> {
        let Joinable { name, after, question } = joinable;
        let (feed, live) = self.feed(name, &question);
        // What is committed later comes through the feed, which nobody can miss from here on.
        let head = self.door.control_plane.cursor().await?.max(feed.sent());
        Ok(Reader::new(self, question, place, (feed, live), after, head))
    }

    fn feed(self: &Arc<Self>, name: String, question: &Question) -> (Arc<Feed>, Live) {
        let mut running = self.feeds.running();
        if let Some(feed) = running.get(&name) {
            return (feed.clone(), feed.items.subscribe());
        }
        let (items, live) = broadcast::channel(CAPACITY);
        let start = self.door.tail.head();
        let place = Arc::new(Place::after(start, self.look_every()));
        let feed = Arc::new(Feed { items, sent: AtomicI64::new(start.position()), place });
        running.insert(name.clone(), feed.clone());
        let leading = lead(Arc::clone(self), name, feed.clone(), question.clone());
        tokio::spawn(leading);
        (feed, live)
    }
}

/// Executes the subscription for as long as anybody reads along.
async fn lead(desk: Arc<Desk>, name: String, feed: Arc<Feed>, question: Question) {
    let mut items = pin!(desk.items(&question, feed.place.clone()));
    loop {
        select! {
            item = items.next() => match item.as_ref().and_then(Item::cursor) {
                Some(cursor) => {
                    feed.sent.store(cursor.position(), Ordering::Release);
                    feed.hand_out(item);
                }
                None => {
                    // Before that, or somebody would join what is over.
                    desk.feeds.running().remove(&name);
                    feed.hand_out(item);
                    return feed.hand_out(None);
                }
            },
            () = feed.items.closed() => {
                if desk.feeds.retire(&name, &feed) {
                    return;
                }
            }
        }
    }
}
