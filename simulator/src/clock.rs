use std::time::Duration;

use jiff::Timestamp;

/// What moves a cluster's time.
#[derive(Clone, Debug)]
pub struct Clock(pub(crate) Source);

#[derive(Clone, Debug)]
pub(crate) enum Source {
    System,
    Manual(Timestamp),
}

impl Clock {
    /// Real time; [`Cluster::run`](crate::Cluster::run) must be polled for timers to fire.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Time that moves only by [`Cluster::advance`](crate::Cluster::advance). Names and uids are
    /// then the same in every run.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(start))
    }

    pub(crate) fn is_system(&self) -> bool {
        matches!(self.0, Source::System)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the port through which time comes")]
    pub(crate) fn start(&self) -> Timestamp {
        match self.0 {
            Source::System => Timestamp::now(),
            Source::Manual(start) => start,
        }
    }
}

pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
