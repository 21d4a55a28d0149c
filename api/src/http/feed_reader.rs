use std::sync::Arc;

use domain::events::Cursor;
use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio::{sync::broadcast::error::RecvError, time::timeout};

use super::{
    feeds::{Feed, Live},
    front_door::Desk,
    question::{Item, Question},
};
use crate::graphql::Place;

/// One who reads along with a feed.
pub struct Reader {
    desk: Arc<Desk>,
    question: Question,
    /// Where this reader stands.
    place: Arc<Place>,
    feed: Arc<Feed>,
    live: Live,
    /// Up to where everything has been handed out.
    position: Cursor,
    /// What the feed does not give, with where it ends.
    alone: Option<(Cursor, BoxStream<'static, Item>)>,
    is_over: bool,
}

impl Reader {
    /// Begins behind `after`, and with the feed behind `head`.
    pub fn new(
        desk: &Arc<Desk>,
        question: Question,
        place: Arc<Place>,
        (feed, live): (Arc<Feed>, Live),
        after: Option<Cursor>,
        head: Cursor,
    ) -> Self {
        let desk = Arc::clone(desk);
        let position = after.unwrap_or(head);
        let (alone, is_over) = (None, false);
        let mut reader = Self { desk, question, place, feed, live, position, alone, is_over };
        if after.is_some() {
            reader.read_alone(head);
        }
        reader
    }

    pub fn items(self) -> impl Stream<Item = Arc<Item>> + Send {
        stream::unfold(self, async |mut reader| {
            let item = reader.next().await?;
            Some((item, reader))
        })
    }

    async fn next(&mut self) -> Option<Arc<Item>> {
        while !self.is_over {
            let next = match &mut self.alone {
                Some((until, items)) => match items.next().await {
                    Some(item) => Arc::new(item),
                    None => {
                        self.position = self.position.max(*until);
                        self.alone = None;
                        continue;
                    }
                },
                None => match self.hear().await {
                    Ok(Some(item)) => item,
                    Err(RecvError::Lagged(_)) => {
                        self.read_alone(self.feed.sent());
                        continue;
                    }
                    Ok(None) | Err(RecvError::Closed) => return None,
                },
            };
            match next.cursor() {
                // It came while the log was read up to here.
                Some(cursor) if cursor <= self.position => continue,
                Some(cursor) => self.position = cursor,
                None => self.is_over = true,
            }
            return Some(next);
        }
        None
    }

    /// The next item of the feed. While there is none, the reader's place moves with the feed's.
    async fn hear(&mut self) -> Result<Option<Arc<Item>>, RecvError> {
        loop {
            // In this order: what the bookmark covers has been sent before it.
            let bookmark = self.feed.place.bookmark();
            if self.live.is_empty() {
                self.place.nothing_up_to(bookmark.unwrap_or(self.position).max(self.position));
            }
            if let Ok(heard) = timeout(self.place.look_every(), self.live.recv()).await {
                return heard;
            }
        }
    }

    fn read_alone(&mut self, until: Cursor) {
        let place = Arc::new(Place::between(self.position, until));
        self.alone = Some((until, self.desk.items(&self.question, place).boxed()));
    }
}
