use domain::clock::{Clock, SystemClock};
use jiff::Timestamp;
use prometheus_client::{metrics::histogram::Histogram, registry::Registry};

/// How old events are when they reach those who follow them.
#[derive(Clone)]
pub struct EventDelay(Histogram);

impl EventDelay {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let delay = Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0]);
        registry.register(
            "event_delay_seconds",
            "Time from an event to when its subscribers got it",
            delay.clone(),
        );
        Self(delay)
    }

    pub fn handed_out(&self, happened_at: Timestamp) {
        let delay = SystemClock.now().duration_since(happened_at);
        self.0.observe(delay.as_secs_f64().max(0.0));
    }
}
