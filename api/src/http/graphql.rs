//! GraphQL over HTTP.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::{
    body::{Bytes, HttpBody},
    extract::Query,
    response::Response,
};
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header, request::Parts};

use super::{
    answer::answer,
    body,
    front_door::Desk,
    media::{self, Events, Media, Wanted},
    operation::Asker,
    params::{Params, QueryString},
    refusal::Refusal,
    sse,
    stamp::Stamp,
};
use crate::metrics::Transport;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub async fn post<B>(desk: &Arc<Desk>, request: Request<B>) -> Response
where
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    let Some(wanted) = Wanted::by(request.headers()) else {
        return not_acceptable();
    };
    let served = serve_post(desk, wanted, request).await;
    served.unwrap_or_else(|refusal| refuse(desk, wanted, refusal))
}

/// Nothing that changes something: that is not to be had by following a link.
pub async fn get(desk: &Arc<Desk>, stamp: Stamp, head: &Parts) -> Response {
    let Some(wanted) = Wanted::by(&head.headers) else {
        return not_acceptable();
    };
    let served = Box::pin(serve_get(desk, stamp, wanted, head)).await;
    served.unwrap_or_else(|refusal| refuse(desk, wanted, refusal))
}

pub async fn not_allowed() -> Response {
    let refusal = Refusal::invalid("GraphQL is served by POST");
    answer(Media::Json, Err(refusal.with_status(StatusCode::METHOD_NOT_ALLOWED)))
}

fn refuse(desk: &Desk, wanted: Wanted, refusal: Refusal) -> Response {
    desk.refused(wanted.transport(), &refusal);
    answer(wanted.media, Err(refusal))
}

fn not_acceptable() -> Response {
    let refusal = Refusal::invalid(
        "answers are application/graphql-response+json, application/json or text/event-stream",
    );
    answer(Media::Json, Err(refusal.with_status(StatusCode::NOT_ACCEPTABLE)))
}

async fn serve_post<B>(
    desk: &Arc<Desk>,
    wanted: Wanted,
    request: Request<B>,
) -> Result<Response, Refusal>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
{
    let (mut head, body) = request.into_parts();
    let stamp = head.extensions.remove::<Stamp>().expect("every request is stamped");
    if !media::is_json(&head.headers) {
        let refusal = Refusal::invalid("a request body is application/json");
        return Err(refusal.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let limits = desk.limits();
    let body = body::read(body, limits).await?;
    let params = Params::from_body(&body, limits)?;
    drop(body);
    serve(desk, stamp, wanted, &head, params).await
}

async fn serve_get(
    desk: &Arc<Desk>,
    stamp: Stamp,
    wanted: Wanted,
    head: &Parts,
) -> Result<Response, Refusal> {
    let Ok(Query(query)) = Query::<QueryString>::try_from_uri(&head.uri) else {
        return Err(Refusal::invalid("the query string cannot be read"));
    };
    let params = Params::from_query_string(query, desk.limits())?;
    serve(desk, stamp, wanted, head, params).await
}

/// The guard comes first, so that what it refuses costs no look into the store.
async fn serve(
    desk: &Arc<Desk>,
    stamp: Stamp,
    wanted: Wanted,
    head: &Parts,
    mut params: Params,
) -> Result<Response, Refusal> {
    let admitted = match desk.admit(&mut params) {
        Ok(admitted) => admitted,
        // A browser does not show a reader of events what stands in an answer other than 200.
        Err(refusal) if wanted.events == Events::Always => {
            desk.refused(Transport::Sse, &refusal);
            return Ok(sse::once(refusal.into_response()));
        }
        Err(refusal) => return Err(refusal),
    };
    let kind = admitted.kind;
    check_kind(kind, &head.method, wanted.events)?;
    let headers = &head.headers;
    let pass = desk.door.gatekeeper.pass(text(headers, &header::AUTHORIZATION)?).await?;
    let last_event_id = text(headers, &LAST_EVENT_ID)?.filter(|id| !id.is_empty());
    let asker = Asker {
        transport: match kind {
            OperationType::Subscription => Transport::Sse,
            OperationType::Query | OperationType::Mutation => wanted.transport(),
        },
        idempotency_key: text(headers, &IDEMPOTENCY_KEY)?.map(str::to_owned),
        address: stamp.address,
        caller: pass.caller.clone(),
        request_id: stamp.id.0,
        last_event_id: last_event_id.map(str::to_owned),
    };
    if kind == OperationType::Subscription {
        let seat = desk.seats.take(&pass.caller, desk.limits().event_streams)?;
        let operation = desk.operation(params, admitted, asker)?;
        return Ok(sse::open(desk, pass, seat, operation));
    }
    let response = desk.run(desk.operation(params, admitted, asker)?).await;
    Ok(match wanted.events {
        Events::Always => sse::once(response),
        Events::Never | Events::ForSubscriptions => answer(wanted.media, Ok(response)),
    })
}

fn check_kind(kind: OperationType, method: &Method, events: Events) -> Result<(), Refusal> {
    match kind {
        OperationType::Query => Ok(()),
        OperationType::Mutation if method == Method::POST => Ok(()),
        OperationType::Mutation => {
            let refusal = Refusal::invalid("a mutation is sent by POST");
            Err(refusal.with_status(StatusCode::METHOD_NOT_ALLOWED))
        }
        OperationType::Subscription if events != Events::Never => Ok(()),
        OperationType::Subscription => Err(Refusal::invalid(
            "a subscription needs a WebSocket (graphql-transport-ws) or Accept: text/event-stream",
        )),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| Refusal::invalid(format!("the header {name} is not plain text")))
}
