//! How often passwords may be guessed and accounts opened: so many failures of an account, and so
//! many attempts from an address, in a quarter of an hour. Successes of an account forgive it.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    net::IpAddr,
    sync::{Mutex, MutexGuard},
};

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// In what time a limit's worth of failures is forgiven, one by one.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// How many failures fit a [`WINDOW`]; 0 stands for no limit.
#[derive(Clone, Copy, Debug)]
pub struct GuessLimits {
    /// Wrong passwords of one account.
    pub account: u32,
    /// Wrong passwords and new accounts from one address.
    pub address: u32,
}

impl Default for GuessLimits {
    fn default() -> Self {
        Self { account: 100, address: 1_000 }
    }
}

/// Leaky buckets, in memory. Only what a hash has been computed for fills them, so that the pace of
/// hashing bounds how many there are.
#[derive(Default)]
pub(crate) struct Throttle {
    /// By a keyed hash of whom they are for, when each will be empty.
    buckets: Mutex<HashMap<u64, Timestamp>>,
    names: RandomState,
}

/// One guess at a password, or one new account.
pub(crate) struct Guess<'a> {
    throttle: &'a Throttle,
    account: Option<Bucket>,
    address: Option<Bucket>,
    now: Timestamp,
}

#[derive(Clone, Copy)]
struct Bucket {
    key: u64,
    limit: u32,
}

impl Throttle {
    pub(crate) fn guess(
        &self,
        limits: GuessLimits,
        account: Option<&str>,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Guess<'_> {
        let bucket = |key, limit| (limit > 0).then_some(Bucket { key, limit });
        let account = account
            .and_then(|email| bucket(self.names.hash_one(("account", email)), limits.account));
        let address = address
            .and_then(|address| bucket(self.names.hash_one(("address", address)), limits.address));
        Guess { throttle: self, account, address, now }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<u64, Timestamp>> {
        self.buckets.lock().expect("nothing panics while it holds this lock")
    }
}

impl Guess<'_> {
    /// Refuses where too many have gone wrong before.
    pub(crate) fn allowed(&self) -> Result<()> {
        let buckets = self.throttle.buckets();
        let waits = [self.account, self.address].into_iter().flatten();
        let wait = waits.filter_map(|bucket| bucket.wait(buckets.get(&bucket.key), self.now)).max();
        match wait {
            None => Ok(()),
            Some(wait) => Err(Error::RateLimited { retry_after_seconds: wait }),
        }
    }

    /// Counts against whoever guesses.
    pub(crate) fn count(&self) {
        let mut buckets = self.throttle.buckets();
        if buckets.len() == buckets.capacity() {
            buckets.retain(|_, empty_at| *empty_at > self.now);
        }
        for bucket in [self.account, self.address].into_iter().flatten() {
            let empty_at = buckets.entry(bucket.key).or_insert(self.now);
            *empty_at = (*empty_at).max(self.now) + bucket.share();
        }
    }

    /// Takes the outcome in. Whatever it is, it is not for those whose limit others have reached
    /// meanwhile: guessing at many places at once gains nothing.
    pub(crate) fn settle(&self, right: bool) -> Result<()> {
        let allowed = self.allowed();
        match (&allowed, right, self.account) {
            (Ok(()), false, _) => self.count(),
            (Ok(()), true, Some(account)) => {
                self.throttle.buckets().remove(&account.key);
            }
            _ => {}
        }
        allowed
    }
}

impl Bucket {
    /// What one failure adds.
    fn share(self) -> SignedDuration {
        WINDOW / i32::try_from(self.limit).unwrap_or(i32::MAX)
    }

    /// For how many seconds another failure does not fit.
    fn wait(self, empty_at: Option<&Timestamp>, now: Timestamp) -> Option<u64> {
        let over = empty_at?.duration_since(now) + self.share() - WINDOW;
        over.is_positive().then(|| u64::try_from(over.as_secs()).unwrap_or(0) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GuessLimits = GuessLimits { account: 3, address: 5 };

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn so_many_failures_fit_and_are_forgiven_one_by_one() {
        let throttle = Throttle::default();
        let guess = |minutes| throttle.guess(LIMITS, Some("ada"), None, at(minutes));

        for _ in 0..3 {
            guess(0).settle(false).unwrap();
        }

        let refused = guess(0).allowed().unwrap_err();
        assert!(matches!(refused, Error::RateLimited { retry_after_seconds: 301 }), "{refused:?}");
        assert!(throttle.guess(LIMITS, Some("eve"), None, at(0)).allowed().is_ok());
        assert!(guess(5).settle(false).is_ok());
        assert!(guess(5).allowed().is_err());
        assert!(guess(25).allowed().is_ok());
    }

    #[test]
    fn a_success_forgives_the_account_and_not_the_address() {
        let throttle = Throttle::default();
        let guess =
            |who| throttle.guess(LIMITS, Some(who), address("192.0.2.1"), Timestamp::UNIX_EPOCH);

        for right in [false, false, true, false, false] {
            guess("ada").settle(right).unwrap();
        }
        guess("eve").settle(false).unwrap();

        assert!(guess("ada").allowed().is_err(), "the address has failed five times");
    }

    #[test]
    fn what_was_guessed_beyond_the_limit_is_not_told() {
        let throttle = Throttle::default();
        let guess = || throttle.guess(LIMITS, Some("ada"), None, at(0));
        let early: Vec<_> = (0..5).map(|_| guess()).collect();

        let told: Vec<_> = early.iter().map(|guess| guess.settle(false).is_ok()).collect();

        assert_eq!(told, [true, true, true, false, false]);
        assert!(guess().settle(true).is_err());
    }

    #[test]
    fn people_do_not_meet_the_defaults() {
        let throttle = Throttle::default();
        let limits = GuessLimits::default();

        for _ in 0..100 {
            throttle.guess(limits, Some("ada"), None, at(0)).settle(false).unwrap();
        }
        for _ in 0..1_000 {
            throttle.guess(limits, None, address("192.0.2.1"), at(0)).settle(false).unwrap();
        }
    }

    #[test]
    fn no_limit_refuses_nobody_and_remembers_nothing() {
        let throttle = Throttle::default();
        let limits = GuessLimits { account: 0, address: 0 };

        for _ in 0..100 {
            throttle.guess(limits, Some("ada"), address("192.0.2.1"), at(0)).settle(false).unwrap();
        }

        assert!(throttle.buckets().is_empty());
    }
}
