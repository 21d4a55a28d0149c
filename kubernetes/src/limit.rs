use std::{future::Future, time::Duration};

use http::Request;
use kube::{Client, client::Body};
use tower::service_fn;

use crate::retry::patient;

/// How long one call may take, its answer included.
const CALL: Duration = Duration::from_secs(10);

/// Gives up on a call that takes too long, as on one whose connection broke.
pub(crate) async fn limited<T>(call: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    match tokio::time::timeout(CALL, call).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(kube::Error::Service(elapsed.into())),
    }
}

/// A client for watches and logs: an answer must begin as soon as a call's must have come, and may
/// then go on forever.
pub(crate) fn for_streams(client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move { limited(client.send(request)).await }
    });
    Client::new(service, namespace)
}

/// A client for watches, logs and the lists that watches begin with. A list is tried again page by
/// page: one that began anew with each failure would end by luck alone where a cluster is large.
pub(crate) fn for_watches(client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let (lists, streams) = (patient(&client), for_streams(client));
    let service = service_fn(move |request: Request<Body>| {
        let client = if goes_on(&request) { streams.clone() } else { lists.clone() };
        async move { limited(client.send(request)).await }
    });
    Client::new(service, namespace)
}

/// Whether the answer may go on forever, or be as long as a log.
fn goes_on(request: &Request<Body>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').any(|it| it == "watch=true") || request.uri().path().ends_with("/log")
}
