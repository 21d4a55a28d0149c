//! GraphQL over HTTP.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use axum::{
    Extension,
    extract::{Query, Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts};

use super::{
    answer::answer,
    body,
    front_door::Desk,
    media::{self, Media},
    operation::Asker,
    params::{Params, QueryString},
    refusal::Refusal,
    stamp::RequestId,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

type Outcome = Result<async_graphql::Response, Refusal>;

pub async fn post(
    State(desk): State<Arc<Desk>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let Some(media) = Media::negotiate(request.headers()) else {
        return not_acceptable();
    };
    answer(media, serve_post(&desk, id, request).await)
}

/// Queries alone: what changes something is not to be had by following a link.
pub async fn query(desk: &Desk, id: RequestId, head: &Parts) -> Response {
    let Some(media) = Media::negotiate(&head.headers) else {
        return not_acceptable();
    };
    answer(media, serve_query(desk, id, head).await)
}

pub async fn not_allowed() -> Response {
    let refusal = Refusal::invalid("GraphQL is served by POST");
    answer(Media::Json, Err(refusal.with_status(StatusCode::METHOD_NOT_ALLOWED)))
}

fn not_acceptable() -> Response {
    let refusal =
        Refusal::invalid("answers are application/graphql-response+json or application/json");
    answer(Media::Json, Err(refusal.with_status(StatusCode::NOT_ACCEPTABLE)))
}

async fn serve_post(desk: &Desk, id: RequestId, request: Request) -> Outcome {
    let (head, body) = request.into_parts();
    if !media::is_json(&head.headers) {
        let refusal = Refusal::invalid("a request body is application/json");
        return Err(refusal.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let limits = &desk.door.limits;
    let body = body::read(body, limits.body_bytes).await?;
    let params = Params::from_body(&body, limits)?;
    drop(body);
    serve(desk, id, &head.method, &head.headers, params).await
}

async fn serve_query(desk: &Desk, id: RequestId, head: &Parts) -> Outcome {
    let Ok(Query(query)) = Query::<QueryString>::try_from_uri(&head.uri) else {
        return Err(Refusal::invalid("the query string cannot be read"));
    };
    let params = Params::from_query_string(query, &desk.door.limits)?;
    serve(desk, id, &head.method, &head.headers, params).await
}

/// The guard comes first, so that what it refuses costs no look into the store.
async fn serve(
    desk: &Desk,
    id: RequestId,
    method: &Method,
    headers: &HeaderMap,
    params: Params,
) -> Outcome {
    let admitted = desk.guard.admit(&params)?;
    check_kind(admitted.kind, method)?;
    let authorization = text(headers, &header::AUTHORIZATION)?;
    let asker = Asker {
        idempotency_key: text(headers, &IDEMPOTENCY_KEY)?.map(str::to_owned),
        caller: desk.door.gatekeeper.pass(authorization).await?.caller,
        request_id: id.0,
    };
    Ok(desk.run(desk.operation(params, admitted, asker)).await)
}

fn check_kind(kind: OperationType, method: &Method) -> Result<(), Refusal> {
    match kind {
        OperationType::Query => Ok(()),
        OperationType::Mutation if method == Method::POST => Ok(()),
        OperationType::Mutation => {
            let refusal = Refusal::invalid("a mutation is sent by POST");
            Err(refusal.with_status(StatusCode::METHOD_NOT_ALLOWED))
        }
        OperationType::Subscription => {
            Err(Refusal::invalid("a subscription needs a WebSocket (graphql-transport-ws)"))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| Refusal::invalid(format!("the header {name} is not plain text")))
}
