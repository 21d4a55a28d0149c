use std::{future::Future, time::Duration};

use http::Request;
use kube::{Client, client::Body};
use tower::service_fn;

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
