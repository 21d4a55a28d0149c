use std::{
    fmt::Display,
    str::FromStr,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use domain::events::Cursor;

/// Where the reader of one subscription stands: the front door says where they left off, the field
/// what each item is called and how far nothing is missing.
pub struct Place {
    /// The id of the last item that the reader has, from an earlier connection.
    last_event_id: Option<String>,
    /// Where others take over.
    until: Option<Cursor>,
    look_every: Duration,
    reached: Mutex<Reached>,
}

#[derive(Default)]
struct Reached {
    item: Option<String>,
    bookmark: Option<Cursor>,
}

impl Place {
    /// `look_every` is how old a bookmark may be.
    pub fn new(last_event_id: Option<String>, look_every: Duration) -> Self {
        Self { last_event_id, until: None, look_every, reached: Mutex::default() }
    }

    /// Of a reader who has everything up to `after`.
    pub fn after(after: Cursor, look_every: Duration) -> Self {
        Self::new(Some(after.to_string()), look_every)
    }

    /// Of one who is handed nothing beyond `until`, and is then done.
    pub fn between(after: Cursor, until: Cursor) -> Self {
        Self { until: Some(until), ..Self::after(after, Duration::MAX) }
    }

    /// The id of the item that has just been handed out, if it has one.
    pub fn take_item(&self) -> Option<String> {
        self.reached().item.take()
    }

    /// A position up to which the reader has been handed everything; good to resume from.
    pub fn bookmark(&self) -> Option<Cursor> {
        self.reached().bookmark
    }

    pub(super) fn until(&self) -> Option<Cursor> {
        self.until
    }

    pub fn look_every(&self) -> Duration {
        self.look_every
    }

    /// Where to go on, which wins over what the arguments say.
    pub fn resume<T: FromStr>(&self) -> Result<Option<T>, T::Err> {
        self.last_event_id.as_deref().map(str::parse).transpose()
    }

    /// The next item to be handed out is called that.
    pub(super) fn at(&self, item: impl Display) {
        self.reached().item = Some(item.to_string());
    }

    /// Everything up to here has been handed out, or is not for this reader.
    pub fn nothing_up_to(&self, head: Cursor) {
        let mut reached = self.reached();
        reached.bookmark = reached.bookmark.max(Some(head));
    }

    fn reached(&self) -> MutexGuard<'_, Reached> {
        self.reached.lock().expect("nothing panics while it holds this lock")
    }
}
