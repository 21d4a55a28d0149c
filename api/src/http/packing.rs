use std::{convert::Infallible, future::ready};

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderValue, Request, header::ACCEPT_ENCODING};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

/// Smaller answers are not worth being compressed.
const SMALL_BYTES: u64 = 1_024;

/// How a client takes an answer, in its own words.
pub struct Accepted(Vec<HeaderValue>);

impl Accepted {
    pub fn by(headers: &HeaderMap) -> Self {
        Self(headers.get_all(ACCEPT_ENCODING).iter().cloned().collect())
    }

    /// The answer, compressed unless it is small or is written piece by piece. Not by a layer around
    /// all answers: the body that it makes is large, and would be moved about with each.
    pub async fn packed(self, answer: Response) -> Response {
        let worth_it = SizeAbove::new(SMALL_BYTES).and(NotForContentType::SSE);
        if !worth_it.should_compress(&answer) {
            return answer;
        }
        let layer = CompressionLayer::new().quality(CompressionLevel::Fastest);
        let mut request = Request::new(());
        for accepted in self.0 {
            request.headers_mut().append(ACCEPT_ENCODING, accepted);
        }
        let mut answer = Some(answer);
        let answered = service_fn(|_| ready(Ok(answer.take().unwrap_or_default())));
        let packed = layer.compress_when(worth_it).layer(answered).oneshot(request).await;
        packed.unwrap_or_else(|never: Infallible| match never {}).map(Body::new)
    }
}
