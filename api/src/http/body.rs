use std::{future::poll_fn, pin::pin};

use axum::body::{Bytes, HttpBody};
use http::StatusCode;

use super::{
    in_time::in_time,
    limits::Limits,
    refusal::{Refusal, within},
};

/// How many times the limit is read, and dropped, before the connection is cut: a client that is
/// still sending would not see the answer.
const PATIENCE: usize = 4;

/// Reads a body of at most so many bytes.
pub async fn read<B>(body: B, limits: &Limits) -> Result<Vec<u8>, Refusal>
where
    B: HttpBody<Data = Bytes>,
{
    let arrived = in_time(limits.body_time, collect(body, limits.body_bytes)).await;
    arrived.unwrap_or_else(|| {
        let message = format!("the body did not arrive within {} s", limits.body_time.as_secs());
        let late = Refusal::invalid(message);
        Err(late.with_status(StatusCode::REQUEST_TIMEOUT))
    })
}

async fn collect<B>(body: B, limit: usize) -> Result<Vec<u8>, Refusal>
where
    B: HttpBody<Data = Bytes>,
{
    let mut body = pin!(body);
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let frame = frame.map_err(|_| Refusal::invalid("the body broke off"))?;
        // What else there is are trailers.
        let Ok(chunk) = frame.into_data() else { continue };
        length += chunk.len();
        if length <= limit {
            bytes.extend_from_slice(&chunk);
        } else if length > limit.saturating_mul(PATIENCE) {
            break;
        }
    }
    within("body size in bytes", length, limit)
        .map_err(|refusal| refusal.with_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn reads_up_to_the_limit() {
        let limit = 256 * 1024;
        let body = |length| Body::from(vec![b' '; length]);

        assert_eq!(block_on(collect(body(limit), limit)).unwrap().len(), limit);
        let refusal = block_on(collect(body(limit + 1), limit)).unwrap_err();
        assert_eq!(refusal.message, "body size in bytes exceeds the limit of 262144");
        assert_eq!(refusal.status, Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}
