use axum::body::Body;
use futures::StreamExt;
use http::StatusCode;
use tokio::time::timeout;

use super::{
    limits::Limits,
    refusal::{Refusal, within},
};

/// How many times the limit is read, and dropped, before the connection is cut: a client that is
/// still sending would not see the answer.
const PATIENCE: usize = 4;

/// Reads a body of at most so many bytes.
pub async fn read(body: Body, limits: &Limits) -> Result<Vec<u8>, Refusal> {
    let arrived = timeout(limits.body_time, collect(body, limits.body_bytes)).await;
    arrived.unwrap_or_else(|_| {
        let message = format!("the body did not arrive within {} s", limits.body_time.as_secs());
        let late = Refusal::invalid(message);
        Err(late.with_status(StatusCode::REQUEST_TIMEOUT))
    })
}

async fn collect(body: Body, limit: usize) -> Result<Vec<u8>, Refusal> {
    let mut chunks = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0_usize);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Refusal::invalid("the body broke off"))?;
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
