use http::StatusCode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// Connections and answers, whatever they are about.
pub struct Traffic {
    responses: Family<WithStatus, Counter>,
    connections: Gauge,
    refused: Family<Because, Counter>,
    websockets: Gauge,
    event_streams: Gauge,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many as the process may have.
    Total,
    /// There are as many from one address as it may have.
    Address,
}

/// One more of something, until it is dropped.
pub struct Presence(Gauge);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithStatus {
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Because {
    limit: &'static str,
}

impl Traffic {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let (responses, refused) = (Family::default(), Family::default());
        let (connections, websockets, event_streams) = Default::default();
        let traffic = Self { responses, connections, refused, websockets, event_streams };
        let Self { responses, connections, refused, websockets, event_streams } = &traffic;
        registry.register("http_responses", "HTTP answers, by status", responses.clone());
        registry.register("connections", "Open connections of all kinds", connections.clone());
        let help = "Connections that were closed at once, by the limit that was reached";
        registry.register("connections_refused", help, refused.clone());
        registry.register("websockets", "Open WebSockets", websockets.clone());
        let help = "Open streams of server-sent events";
        registry.register("event_streams", help, event_streams.clone());
        drop(responses.get_or_create(&WithStatus { status: StatusCode::OK.as_u16() }));
        for limit in [Refused::Total, Refused::Address] {
            drop(refused.get_or_create(&Because { limit: limit.as_str() }));
        }
        traffic
    }

    pub fn responded(&self, status: StatusCode) {
        self.responses.get_or_create(&WithStatus { status: status.as_u16() }).inc();
    }

    pub fn refused(&self, limit: Refused) {
        self.refused.get_or_create(&Because { limit: limit.as_str() }).inc();
    }

    pub fn connection(&self) -> Presence {
        Presence::of(self.connections.clone())
    }

    pub fn websocket(&self) -> Presence {
        Presence::of(self.websockets.clone())
    }

    pub fn event_stream(&self) -> Presence {
        Presence::of(self.event_streams.clone())
    }
}

impl Refused {
    fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Address => "address",
        }
    }
}

impl Presence {
    pub(super) fn of(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.dec();
    }
}
