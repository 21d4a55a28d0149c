//! Which way a request takes.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    BoxError, Router,
    body::{Bytes, HttpBody},
    response::Response,
};
use futures::future::BoxFuture;
use http::{Method, Request};
use tower::{
    Layer, Service, ServiceExt,
    util::{Either, option_layer},
};
use tower_http::cors::{Cors, CorsLayer};
use tracing::Instrument;

use super::{front_door::Desk, graphql, packing::Accepted, stamp::Stamp};

/// Where the graph is.
pub const GRAPHQL: &str = "/graphql";

/// Where every request is answered, whoever sends it.
#[derive(Clone)]
pub struct Routes {
    desk: Arc<Desk>,
    answers: Either<Cors<Fork>, Fork>,
}

/// Operations that are sent by POST are nearly all that is asked for. They do not go through the
/// router, which puts each request, and what becomes of it, into several boxes.
#[derive(Clone)]
struct Fork {
    operations: Option<Arc<Desk>>,
    router: Router,
}

impl Routes {
    pub(super) fn new(
        desk: Arc<Desk>,
        takes_operations: bool,
        cors: Option<CorsLayer>,
        router: Router,
    ) -> Self {
        let operations = takes_operations.then(|| Arc::clone(&desk));
        Self { desk, answers: option_layer(cors).layer(Fork { operations, router }) }
    }

    pub async fn answer<B>(&self, peer: SocketAddr, mut request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let stamp = Stamp::new(&self.desk, peer, &request);
        let (span, id) = (stamp.span(&request), stamp.id.to_header());
        let accepted = Accepted::by(request.headers());
        request.extensions_mut().insert(stamp);
        let answered = self.answers.clone().oneshot(request).instrument(span.clone()).await;
        let Ok(response) = answered;
        let mut response = accepted.packed(response).await;
        self.desk.stamp(&span, id, &mut response);
        response
    }
}

impl<B> Service<Request<B>> for Fork
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match &self.operations {
            Some(desk) if request.method() == Method::POST && request.uri().path() == GRAPHQL => {
                let desk = Arc::clone(desk);
                Box::pin(async move { Ok(graphql::post(&desk, request).await) })
            }
            Some(_) | None => Box::pin(self.router.call(request)),
        }
    }
}
