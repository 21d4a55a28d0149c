use std::{collections::VecDeque, fmt, str::FromStr, sync::Arc};

use async_graphql::{Context, ID, SimpleObject};
use domain::{
    Error,
    events::{EventFilter, EventType},
    ids::TaskId,
    workflows::LogLine,
};
use futures::{StreamExt, stream};
use serde::Deserialize;

use crate::graphql::{
    context::Ctx,
    error::{ApiError, Result},
    events::{self, Live},
    place::Place,
    scalars::{Long, id},
};

/// How many bytes of a log a field shows where it is not told otherwise, and at most.
pub(super) const LOG_LIMIT: i64 = 64 * 1024;

/// A piece of a task's log. Offsets count bytes and stand on characters' borders.
#[derive(SimpleObject)]
pub struct LogChunk {
    /// The task.
    task_id: ID,
    /// The attempt that wrote it.
    attempt: i32,
    /// Where the text begins.
    offset: Long,
    /// Where the next piece begins.
    next_offset: Long,
    /// The text; empty where nothing more has been written.
    text: String,
}

impl LogChunk {
    /// Cuts at most `limit` bytes from byte `from` on out of the lines around.
    pub(super) fn of(task: TaskId, attempt: i32, from: i64, limit: i64, lines: &[LogLine]) -> Self {
        let start = lines.first().map_or(from, |line| line.offset.min(from));
        let whole: String = lines.iter().map(|line| line.text.as_str()).collect();
        let begin = border(&whole, from - start);
        let end = border(&whole, from - start + limit).max(begin);
        let at = |index: usize| Long(start + i64::try_from(index).unwrap_or(0));
        Self {
            task_id: id(task),
            attempt,
            offset: at(begin),
            next_offset: at(end),
            text: whole[begin..end].to_owned(),
        }
    }
}

/// The nearest character's border at or before a byte.
fn border(text: &str, byte: i64) -> usize {
    let byte = usize::try_from(byte).unwrap_or(0).min(text.len());
    (0..=byte).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// The byte that a client wants to begin at.
pub(super) fn offset(from: Option<Long>) -> Result<i64> {
    let from = from.map_or(0, |offset| offset.0);
    if from < 0 {
        return Err(Error::invalid("fromOffset", "must not be negative").into());
    }
    Ok(from)
}

/// What an event about a log says: up to where an attempt has written.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    attempt: i32,
    next_offset: i64,
}

/// What a piece is called among the items of a stream: `attempt:nextOffset`.
struct Piece {
    attempt: i32,
    next_offset: i64,
}

impl From<&LogChunk> for Piece {
    fn from(chunk: &LogChunk) -> Self {
        Self { attempt: chunk.attempt, next_offset: chunk.next_offset.0 }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.attempt, self.next_offset)
    }
}

impl FromStr for Piece {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts = text.split_once(':').and_then(|(attempt, next_offset)| {
            Some(Self { attempt: attempt.parse().ok()?, next_offset: next_offset.parse().ok()? })
        });
        parts
            .filter(|piece| piece.attempt >= 1 && piece.next_offset >= 0)
            .ok_or_else(|| Error::invalid("Last-Event-ID", "is not attempt:nextOffset"))
    }
}

/// Where a reader of a log stands.
struct Reader {
    task: TaskId,
    only: Option<i32>,
    attempt: i32,
    offset: i64,
    pieces: VecDeque<LogChunk>,
}

/// What has been written, and then what is being written. The events tell when to look; the text
/// is read from the log itself.
pub(super) async fn follow(
    ctx: &Context<'_>,
    task: TaskId,
    attempt: Option<i32>,
    offset: i64,
) -> Result<Live<LogChunk>> {
    let control_plane = ctx.control_plane().clone();
    let filter = EventFilter {
        types: Some(vec![EventType::TaskLogged]),
        subject_id: Some(task.to_string()),
        ..EventFilter::default()
    };
    // Registered before the first look, so that nothing falls in between.
    let written = events::visible(ctx, filter, None, None)
        .await?
        .map(|event| event.and_then(|event| events::image::<Written>(&event)));
    let found = control_plane.task(ctx.call(), task).await?;
    let found = found.ok_or_else(|| Error::not_found("task", task))?;
    let place = ctx.data_opt::<Arc<Place>>().cloned();
    let left_off = place.as_ref().map(|place| place.resume()).transpose()?.flatten();
    let (current, offset) = match left_off {
        Some(Piece { attempt, next_offset }) => (attempt, next_offset),
        None => (attempt.unwrap_or(found.attempt.max(1)), offset),
    };
    let reader = Reader { task, only: attempt, attempt: current, offset, pieces: VecDeque::new() };
    let last = if attempt.is_some() { current } else { found.attempt.max(current) };
    let first = |attempt| Ok(Written { attempt, next_offset: i64::MAX });
    let looks = stream::iter((current..=last).map(first)).chain(written);
    let pieces = stream::unfold((reader, looks), move |(mut reader, mut looks)| {
        let (control_plane, place) = (control_plane.clone(), place.clone());
        async move {
            loop {
                if let Some(piece) = reader.pieces.pop_front() {
                    if let Some(place) = place {
                        place.at(Piece::from(&piece));
                    }
                    return Some((Ok(piece), (reader, looks)));
                }
                let read = match looks.next().await? {
                    Ok(written) => reader.read(&control_plane, written).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = read {
                    return Some((Err(error), (reader, looks)));
                }
            }
        }
    });
    Ok(pieces.boxed())
}

impl Reader {
    /// Reads on in the attempt that has written, if that is one to follow.
    async fn read(
        &mut self,
        control_plane: &domain::ControlPlane,
        written: Written,
    ) -> std::result::Result<(), ApiError> {
        if written.attempt < self.attempt || self.only.is_some_and(|only| only != written.attempt) {
            return Ok(());
        }
        if written.attempt > self.attempt {
            (self.attempt, self.offset) = (written.attempt, 0);
        }
        while self.offset < written.next_offset {
            let of = [(self.task, self.attempt)];
            let lines = control_plane.log_lines(&of, self.offset, LOG_LIMIT).await?;
            let piece = LogChunk::of(self.task, self.attempt, self.offset, LOG_LIMIT, &lines);
            if piece.text.is_empty() {
                return Ok(());
            }
            self.offset = piece.next_offset.0;
            self.pieces.push_back(piece);
        }
        Ok(())
    }
}
