use std::sync::Arc;

use async_graphql::{Context, ID, SimpleObject};
use domain::runtime::{LogPosition, PodLogLine};
use futures::StreamExt;

use crate::graphql::{
    context::Ctx,
    error::{ApiError, Result},
    events::Live,
    place::Place,
};

/// How many lines are handed out together where as many are there.
const LINES: usize = 100;

/// Lines that a pod has written.
#[derive(SimpleObject)]
pub struct PodLogChunk {
    /// The pod's `uid`.
    uid: ID,
    /// Resume behind these lines with `after` set to it.
    position: String,
    /// The lines, each ended by a line break.
    text: String,
}

pub(super) async fn follow(
    ctx: &Context<'_>,
    uid: ID,
    after: Option<String>,
) -> Result<Live<PodLogChunk>> {
    let place = ctx.data_opt::<Arc<Place>>().cloned();
    let left_off = place.as_ref().map(|place| place.resume::<LogPosition>()).transpose()?.flatten();
    let after = match left_off {
        Some(left_off) => Some(left_off),
        None => after.map(|after| after.parse()).transpose()?,
    };
    let lines = ctx.control_plane().follow_pod_log(ctx.call(), &uid, after).await?;
    let chunks = lines.ready_chunks(LINES).flat_map(move |lines| {
        let (uid, place) = (uid.clone(), place.clone());
        futures::stream::iter(chunks(&uid, lines)).inspect(move |chunk| {
            if let (Ok(chunk), Some(place)) = (chunk, &place) {
                place.at(&chunk.position);
            }
        })
    });
    Ok(chunks.boxed())
}

/// The lines in one piece, and the error behind them if there is one.
fn chunks(uid: &ID, lines: Vec<domain::Result<PodLogLine>>) -> Vec<Result<PodLogChunk>> {
    let mut chunk: Option<PodLogChunk> = None;
    let mut failed = None;
    for line in lines {
        match line {
            Ok(PodLogLine { position, text }) => {
                let chunk = chunk.get_or_insert_with(|| PodLogChunk {
                    uid: uid.clone(),
                    position: String::new(),
                    text: String::new(),
                });
                chunk.position = position.to_string();
                chunk.text.push_str(&text);
                chunk.text.push('\n');
            }
            Err(error) => failed = Some(Err(ApiError::from(error))),
        }
    }
    chunk.map(Ok).into_iter().chain(failed).collect()
}
