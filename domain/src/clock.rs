use jiff::Timestamp;

/// Where the time comes from when it is not the database's: tests move it.
pub trait Clock: Send + Sync {
    /// Truncated to microseconds, so that a value read back from the store is equal.
    fn now(&self) -> Timestamp;
}

pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        truncated(Timestamp::now())
    }
}

/// Cut to the microseconds that the store keeps.
pub fn truncated(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
