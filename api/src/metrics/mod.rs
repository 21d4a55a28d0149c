//! What is measured, as `/metrics` shows it. Labels have few values, none of them a client's.

mod delay;
mod operations;
mod state;
mod traffic;
mod worker;

use std::fmt;

use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};

pub use delay::EventDelay;
pub use operations::{Kind, Operations, Transport};
pub use state::State;
pub use traffic::{Presence, Refused, Traffic};
pub use worker::{WorkerCpu, WorkerPart};

/// Every metric of a process.
pub struct Metrics {
    registry: Registry,
    pub operations: Operations,
    pub traffic: Traffic,
    pub events: EventDelay,
    pub worker: WorkerCpu,
    pub state: State,
}

impl Metrics {
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("slipway");
        let build = Family::<[(&'static str, &'static str); 1], Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION"))]).set(1);
        registry.register("build_info", "1, with the version as its label", build);
        Self {
            operations: Operations::new(&mut registry),
            traffic: Traffic::new(&mut registry),
            events: EventDelay::new(&mut registry),
            worker: WorkerCpu::new(&mut registry),
            state: State::new(&mut registry),
            registry,
        }
    }

    /// Something in every metric, so that all of them show.
    pub fn sample() -> Self {
        let metrics = Self::new();
        metrics.state.show_sample();
        metrics
    }

    /// As OpenMetrics text, which Prometheus reads.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map(|()| text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
