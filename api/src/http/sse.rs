//! Server-sent events, one operation per connection, as the distinct connections mode of graphql-sse
//! has it. Each item of a subscription has an id: a reader who comes back with it in
//! `Last-Event-ID`, as browsers do by themselves, gets exactly what follows.

use std::{convert::Infallible, pin::pin, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use domain::{Error, events::Cursor};
use futures::{Stream, StreamExt, stream};
use http::{HeaderName, HeaderValue, header};
use tokio::{
    select,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument;

use super::{
    answer::Outcome, front_door::Desk, operation::Operation, question::Item, refusal::Refusal,
    seats::Seat,
};
use crate::auth::Pass;

/// Proxies that gather an answer before they pass it on are told not to.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The answer to what is no subscription.
pub fn once(outcome: impl Into<Outcome>) -> Response {
    respond(stream::iter([next(&Item::new(outcome, None)), complete()]))
}

/// Follows a subscription for as long as its reader is there and may see it.
pub fn open(desk: &Arc<Desk>, pass: Pass, seat: Seat, operation: Operation) -> Response {
    let (sender, receiver) = mpsc::channel(1);
    let desk = Arc::clone(desk);
    let tasks = desk.door.tasks.clone();
    let presence = desk.door.metrics.traffic.event_stream();
    let feed = async move {
        let lapse = desk.door.gatekeeper.clone().lapse(pass);
        select! {
            _ = feed(&desk, operation, &sender) => {}
            // Without `complete`: the reader shall come back, and resumes.
            () = desk.door.shutdown.cancelled() => {}
            () = sender.closed() => {}
            () = lapse => {
                let refusal = Refusal::from(Error::Unauthenticated).into_response();
                let refusal = Item::new(refusal, None);
                if send(&desk, &sender, next(&refusal)).await.is_ok() {
                    let _ = send(&desk, &sender, complete()).await;
                }
            }
        }
        drop((seat, presence));
    };
    tasks.spawn(feed.in_current_span());
    respond(ReceiverStream::new(receiver))
}

/// The reader has left, or takes nothing.
struct Gone;

async fn feed(
    desk: &Arc<Desk>,
    operation: Operation,
    sender: &mpsc::Sender<String>,
) -> Result<(), Gone> {
    let place = Arc::clone(&operation.place);
    let mut items = pin!(desk.follow(operation).await);
    let mut told = None;
    loop {
        select! {
            item = items.next() => {
                let Some(item) = item else {
                    return send(desk, sender, complete()).await;
                };
                send(desk, sender, next(&item)).await?;
            }
            () = sleep(desk.limits().heartbeat_after) => {
                let bookmark = place.bookmark().filter(|bookmark| told < Some(*bookmark));
                told = bookmark.or(told);
                send(desk, sender, heartbeat(bookmark)).await?;
            }
        }
    }
}

/// Waits no longer than a reader may stall.
async fn send(desk: &Desk, sender: &mpsc::Sender<String>, event: String) -> Result<(), Gone> {
    let patience = desk.limits().stall_time;
    timeout(patience, sender.send(event)).await.map_err(|_| Gone)?.map_err(|_| Gone)
}

/// JSON has no line breaks but those that it escapes, and neither have ids.
fn next(item: &Item) -> String {
    let id = item.id.as_ref().map_or(String::new(), |id| format!("id: {id}\n"));
    format!("event: next\n{id}data: {}\n\n", item.text)
}

/// Browsers pass over what has no data at all.
fn complete() -> String {
    "event: complete\ndata:\n\n".to_owned()
}

/// Nothing but a sign of life, and how far nothing is missing where that is news.
fn heartbeat(bookmark: Option<Cursor>) -> String {
    bookmark.map_or_else(|| ":\n\n".to_owned(), |bookmark| format!(":\nid: {bookmark}\n\n"))
}

fn respond(events: impl Stream<Item = String> + Send + 'static) -> Response {
    let kind = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (kind, Body::from_stream(events.map(Ok::<_, Infallible>))).into_response()
}
