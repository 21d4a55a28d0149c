use super::{Cursor, Event, EventFilter};
use crate::{
    control_plane::{Call, ControlPlane},
    error::{Error, Result},
    page::Page,
};

impl ControlPlane {
    /// Events after a cursor, or from the oldest that is kept, oldest first.
    pub async fn events(
        &self,
        call: &Call,
        mut filter: EventFilter,
        after: Option<Cursor>,
        first: usize,
        count: bool,
    ) -> Result<Page<Event>> {
        filter.visible = call.actor()?.scope().tenants();
        let head = self.cursor().await?;
        let after = match after {
            Some(after) => self.resumable(after).await?,
            None => Cursor(0),
        };
        let mut reader = self.reader().await?;
        let total = match count {
            true => Some(reader.count_events(0, head.position(), &filter).await?),
            false => None,
        };
        let found =
            reader.events_after(after.position(), head.position(), &filter, first + 1).await?;
        Ok(Page::from_rows(found, first, total))
    }

    /// Some events after a position up to `head`, for those who tail the log or catch up with it.
    pub async fn events_between(
        &self,
        after: Cursor,
        head: Cursor,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Vec<Event>> {
        let mut reader = self.reader().await?;
        reader.events_after(after.position(), head.position(), filter, limit).await
    }

    /// Refuses a cursor behind which events are kept no longer, and one that this log never gave.
    /// Another process may have given it that knows of more being safe than this one.
    pub async fn resumable(&self, cursor: Cursor) -> Result<Cursor> {
        let mut reader = self.reader().await?;
        if cursor.position() > reader.newest_position().await? {
            return Err(Error::invalid("after", "is ahead of the log"));
        }
        let earliest = reader.earliest_position().await?;
        let oldest = Cursor(earliest.unwrap_or(1) - 1);
        if cursor < oldest {
            return Err(Error::CursorExpired { earliest: oldest.to_string() });
        }
        Ok(cursor)
    }
}
