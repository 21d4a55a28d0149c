use std::time::Duration;

use async_graphql::parser::types::OperationType;
use domain::error::ErrorCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::Presence;

/// GraphQL operations, by what came of them.
pub struct Operations {
    ended: Family<Ended, Counter>,
    compiled: Counter,
    seconds: Family<OfKind, Histogram, fn() -> Histogram>,
    subscriptions: Family<Over, Gauge>,
}

/// What an operation comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Http,
    Sse,
    WebSocket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Query,
    Mutation,
    Subscription,
    /// It was refused before that was known.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    transport: &'static str,
    r#type: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKind {
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Over {
    transport: &'static str,
}

impl Operations {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (ended, compiled) = (Family::default(), Counter::default());
        let seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let subscriptions = Family::default();
        registry.register(
            "operations",
            "Operations that have ended, by their first error's code or OK",
            ended.clone(),
        );
        registry.register(
            "compiled_operations",
            "Operations that had been compiled, and were answered without the engine",
            compiled.clone(),
        );
        registry.register(
            "operation_duration_seconds",
            "Time that queries and mutations took",
            seconds.clone(),
        );
        registry.register("subscriptions", "Subscriptions under way", subscriptions.clone());
        let operations = Self { ended, compiled, seconds, subscriptions };
        operations.begin_at_zero();
        operations
    }

    /// What has not happened yet shows as 0, so that its first occurrence is seen as a change.
    fn begin_at_zero(&self) {
        for transport in [Transport::Http, Transport::Sse, Transport::WebSocket] {
            drop(self.subscriptions.get_or_create(&Over { transport: transport.as_str() }));
            for kind in [Kind::Query, Kind::Mutation, Kind::Subscription] {
                self.count(transport, kind, None);
            }
        }
        for kind in [Kind::Query, Kind::Mutation] {
            drop(self.seconds.get_or_create(&OfKind { r#type: kind.as_str() }));
        }
    }

    /// An operation has ended, with this for its first error.
    pub fn ended(&self, transport: Transport, kind: Kind, code: Option<ErrorCode>) {
        self.count(transport, kind, code).inc();
    }

    /// A query was answered without the engine.
    pub fn went_compiled(&self) {
        self.compiled.inc();
    }

    /// How long a query or a mutation took.
    pub fn took(&self, kind: Kind, time: Duration) {
        self.seconds.get_or_create(&OfKind { r#type: kind.as_str() }).observe(time.as_secs_f64());
    }

    /// Counts a subscription for as long as the answer is kept.
    pub fn subscription(&self, transport: Transport) -> Presence {
        Presence::of(
            self.subscriptions.get_or_create(&Over { transport: transport.as_str() }).clone(),
        )
    }

    fn count(&self, transport: Transport, kind: Kind, code: Option<ErrorCode>) -> Counter {
        let (transport, kind) = (transport.as_str(), kind.as_str());
        let outcome = code.map_or("OK", ErrorCode::as_str);
        self.ended.get_or_create(&Ended { transport, r#type: kind, outcome }).clone()
    }
}

impl Transport {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
            Self::Unknown => "unknown",
        }
    }
}

impl From<OperationType> for Kind {
    fn from(kind: OperationType) -> Self {
        match kind {
            OperationType::Query => Self::Query,
            OperationType::Mutation => Self::Mutation,
            OperationType::Subscription => Self::Subscription,
        }
    }
}

fn histogram() -> Histogram {
    Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}
