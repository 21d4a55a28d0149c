//! What the metrics and the log are told of operations.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use domain::error::ErrorCode;
use tokio::time::Instant;

use super::{answer::Outcome, front_door::Desk, refusal::Refusal};
use crate::metrics::{Kind, Metrics, Presence, Transport};

/// A subscription under way.
pub struct Following {
    metrics: Arc<Metrics>,
    transport: Transport,
    /// Of its last item's first error.
    code: Option<ErrorCode>,
    _presence: Presence,
}

impl Desk {
    /// Counts what was refused before anything of it ran.
    pub fn refused(&self, transport: Transport, refusal: &Refusal) {
        self.door.metrics.operations.ended(transport, Kind::Unknown, Some(refusal.code));
    }
}

impl Following {
    pub fn new(metrics: &Arc<Metrics>, transport: Transport) -> Self {
        let presence = metrics.operations.subscription(transport);
        Self { metrics: Arc::clone(metrics), transport, code: None, _presence: presence }
    }

    /// Notes the error of an item, or that it has none.
    pub fn note(&mut self, code: Option<ErrorCode>) {
        self.code = code;
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.metrics.operations.ended(self.transport, Kind::Subscription, self.code);
    }
}

/// A query or a mutation on its way.
pub async fn measured(
    metrics: Arc<Metrics>,
    transport: Transport,
    kind: OperationType,
    execution: impl Future<Output = Outcome>,
) -> Outcome {
    let began_at = Instant::now();
    let outcome = execution.await;
    let (kind, time) = (Kind::from(kind), began_at.elapsed());
    let code = outcome.code();
    metrics.operations.took(kind, time);
    metrics.operations.ended(transport, kind, code);
    let result = code.map_or("OK", ErrorCode::as_str);
    tracing::info!(?kind, outcome = result, micros = time.as_micros(), "an operation ended");
    outcome
}
