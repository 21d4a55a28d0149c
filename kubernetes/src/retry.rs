//! A second and third try of what may pass by itself. Every call that the adapter makes may be
//! made again without a further effect. Tries are rationed for the whole cluster, so that one that
//! is overloaded is not loaded more.

use std::{sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt;
use kube::{
    Client,
    client::{Body, retry::RetryPolicy},
};
use tower::{
    BoxError, ServiceBuilder,
    retry::{
        Policy,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
        budget::{Budget, TpsBudget},
    },
    service_fn,
    util::rng::HasherRng,
};

const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// A server that wants to be left alone for longer is left to the caller's patience.
const LONGEST_WISH: Duration = Duration::from_secs(5);
/// Pauses differ by up to this much of themselves, so that callers do not come back together.
const JITTER: f64 = 0.5;

/// A client that tries again by itself.
pub(crate) fn patient(client: &Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let policy = Patience {
        tries: 1,
        backoff: pauses(FIRST_PAUSE, LONGEST_PAUSE),
        budget: Arc::new(TpsBudget::new(Duration::from_secs(10), 10, 0.5)),
    };
    let client = client.clone();
    let calls = service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move { whole(client.send(request).await?).await }
    });
    Client::new(ServiceBuilder::new().retry(policy).service(calls), namespace)
}

/// The answer with all of its body: the connection may break after the head.
async fn whole(answer: Response<Body>) -> Result<Response<Body>, BoxError> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response::from_parts(head, Body::from(body)))
}

/// Pauses that double, with a spread.
pub(crate) fn pauses(first: Duration, longest: Duration) -> ExponentialBackoff {
    ExponentialBackoffMaker::new(first, longest, JITTER, HasherRng::new())
        .expect("the first pause is the shorter one")
        .make_backoff()
}

#[derive(Clone)]
struct Patience {
    tries: u32,
    backoff: ExponentialBackoff,
    budget: Arc<TpsBudget>,
}

impl Policy<Request<Body>, Response<Body>, BoxError> for Patience {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        _: &mut Request<Body>,
        outcome: &mut Result<Response<Body>, BoxError>,
    ) -> Option<Self::Future> {
        let wish = match outcome {
            Ok(answer) if may_pass(answer.status()) => wish(answer).unwrap_or_default(),
            Ok(_) => {
                self.budget.deposit();
                return None;
            }
            Err(_) => Duration::ZERO,
        };
        let given_up = self.tries >= TRIES || wish > LONGEST_WISH || !self.budget.withdraw();
        if given_up {
            return None;
        }
        self.tries += 1;
        let pause = self.backoff.next_backoff();
        Some(if wish.is_zero() { pause } else { tokio::time::sleep(wish) })
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Policy::<_, Response<Body>, _>::clone_request(&mut RetryPolicy::default(), request)
    }
}

fn may_pass(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

/// How long the server asks to be left alone.
fn wish(answer: &Response<Body>) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
