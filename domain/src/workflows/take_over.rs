//! When a worker may take a task from another one whose lease is over. Leases are by the store's
//! time, and where that is set forward, all of them seem over at once. So whoever sees it jump, and
//! whoever has only begun and could not have seen it, first leaves those who live the time to
//! prolong what they hold, which they do once in a third of a lease.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// One worker's judgement, which compares the store's time with what passes in its own process.
pub struct TakeOvers {
    began: Instant,
    lease: Duration,
    /// When that was by the store's time, for all that is known: a jump moves it.
    began_at: Option<Timestamp>,
    not_before: Instant,
}

impl TakeOvers {
    pub fn new(lease: Duration, began: Instant) -> Self {
        Self { began, lease, began_at: None, not_before: began + lease * 2 / 3 }
    }

    /// Takes in that it is `now` in the store; answers whether leases that are over by it are.
    pub fn are_due(&mut self, now: Timestamp, at: Instant) -> bool {
        let passed = SignedDuration::try_from(at - self.began).unwrap_or_default();
        let began_at = now.checked_sub(passed).unwrap_or(now);
        let least = *self.began_at.get_or_insert(began_at);
        let bearable = SignedDuration::try_from(self.lease / 6).unwrap_or_default();
        if began_at.duration_since(least) > bearable {
            self.not_before = at + self.lease * 2 / 3;
            self.began_at = Some(began_at);
        } else {
            self.began_at = Some(least.min(began_at));
        }
        at >= self.not_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(30);

    /// Asks a worker as many seconds after its begin, when the store's clock is off by as many.
    fn asked(moments: &[(u64, i64)]) -> Vec<bool> {
        let began = Instant::now();
        let mut take_overs = TakeOvers::new(LEASE, began);
        let ask = |(passed, off): &(u64, i64)| {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(*passed as i64 + off);
            take_overs.are_due(now, began + Duration::from_secs(*passed))
        };
        moments.iter().map(ask).collect()
    }

    #[test]
    fn a_worker_that_has_just_begun_leaves_the_living_time() {
        assert_eq!(asked(&[(0, 0), (19, 0), (20, 0)]), [false, false, true]);
    }

    #[test]
    fn a_jump_ahead_is_not_believed_at_once() {
        let hour = 3_600;

        assert_eq!(
            asked(&[(30, 0), (31, hour), (50, hour), (51, hour), (52, 2 * hour)]),
            [true, false, false, true, false]
        );
    }

    #[test]
    fn many_small_jumps_are_one() {
        assert_eq!(asked(&[(30, 0), (31, 3), (32, 6), (33, 9)]), [true, true, false, false]);
    }

    #[test]
    fn a_jump_back_delays_nothing_and_the_way_forth_again_is_a_jump() {
        assert_eq!(asked(&[(30, 0), (31, -60), (32, -60), (33, 0)]), [true, true, true, false]);
    }
}
