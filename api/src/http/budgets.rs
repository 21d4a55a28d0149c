//! What each caller may use up: a leaky bucket of cost for every account, and for every address
//! that sends no token.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use domain::{Error, identity::Caller, ids::UserId};
use tokio::time::Instant;

use super::{address::Address, limits::Limits};

/// So many buckets are kept before those that have run dry are looked for.
const FEW: usize = 1_024;

pub struct Budgets {
    most: f64,
    per_second: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Default)]
struct Buckets {
    by_payer: HashMap<Payer, Bucket>,
    /// So many may there be before they are looked through again.
    tidy_at: usize,
}

/// Who is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    User(UserId),
    Address(Address),
}

/// What has been used up and not been given back by time.
struct Bucket {
    level: f64,
    seen: Instant,
}

impl Payer {
    pub fn of(caller: &Caller, address: Address) -> Self {
        caller.actor().map_or(Self::Address(address), |actor| Self::User(actor.user.id))
    }
}

impl Budgets {
    pub fn new(limits: &Limits) -> Self {
        let number = |limit: usize| u32::try_from(limit).map_or(f64::from(u32::MAX), f64::from);
        Self {
            most: number(limits.budget),
            per_second: number(limits.budget_per_second),
            buckets: Mutex::default(),
        }
    }

    /// Takes the cost of an operation, or says when there will be enough.
    pub fn charge(&self, payer: Payer, cost: usize) -> Result<(), Error> {
        let mut buckets = self.lock();
        self.tidy(&mut buckets);
        let bucket = buckets.by_payer.entry(payer).or_insert_with(Bucket::empty);
        self.leak(bucket);
        let level = bucket.level + as_f64(cost);
        if level > self.most {
            let seconds = ((level - self.most) / self.per_second).ceil().max(1.0);
            // Bounded by what a bucket holds, and cast without harm.
            return Err(Error::RateLimited { retry_after_seconds: seconds as u64 });
        }
        bucket.level = level;
        Ok(())
    }

    /// Gives back what an operation was charged and did not need; answers with what is left.
    pub fn settle(&self, payer: Payer, unused: usize) -> u64 {
        let mut buckets = self.lock();
        let bucket = buckets.by_payer.entry(payer).or_insert_with(Bucket::empty);
        self.leak(bucket);
        bucket.level = (bucket.level - as_f64(unused)).max(0.0);
        (self.most - bucket.level).max(0.0) as u64
    }

    fn leak(&self, bucket: &mut Bucket) {
        let now = Instant::now();
        let leaked = now.duration_since(bucket.seen).as_secs_f64() * self.per_second;
        *bucket = Bucket { level: (bucket.level - leaked).max(0.0), seen: now };
    }

    /// Forgets the buckets that are empty, whenever their number has doubled.
    fn tidy(&self, buckets: &mut Buckets) {
        if buckets.by_payer.len() < buckets.tidy_at.max(FEW) {
            return;
        }
        buckets.by_payer.retain(|_, bucket| {
            self.leak(bucket);
            bucket.level > 0.0
        });
        buckets.tidy_at = buckets.by_payer.len() * 2;
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().expect("nothing panics while it holds this lock")
    }
}

impl Bucket {
    fn empty() -> Self {
        Self { level: 0.0, seen: Instant::now() }
    }
}

fn as_f64(cost: usize) -> f64 {
    u32::try_from(cost).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn budgets() -> Budgets {
        Budgets::new(&Limits { budget: 100, budget_per_second: 10, ..Limits::default() })
    }

    fn payer(ip: &str) -> Payer {
        Payer::Address(Address::of(ip.parse().unwrap()))
    }

    fn wait(charged: &Result<(), Error>) -> u64 {
        match charged {
            Err(Error::RateLimited { retry_after_seconds }) => *retry_after_seconds,
            _ => 0,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_and_leaks() {
        let (budgets, payer) = (budgets(), payer("192.0.2.1"));

        budgets.charge(payer, 90).unwrap();
        assert_eq!(wait(&budgets.charge(payer, 40)), 3);
        advance(Duration::from_secs(3)).await;
        budgets.charge(payer, 40).unwrap();

        assert_eq!(wait(&budgets.charge(payer, 1)), 1);
        assert_eq!(wait(&budgets.charge(self::payer("192.0.2.2"), 100)), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_needed_comes_back() {
        let (budgets, payer) = (budgets(), payer("192.0.2.1"));
        budgets.charge(payer, 100).unwrap();

        assert_eq!(budgets.settle(payer, 70), 70);

        budgets.charge(payer, 70).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn empty_buckets_are_forgotten() {
        let budgets = budgets();
        for number in 0..5_000_u32 {
            budgets.charge(payer(&format!("10.0.{}.{}", number / 256, number % 256)), 1).unwrap();
            advance(Duration::from_millis(10)).await;
        }

        assert!(budgets.lock().by_payer.len() <= FEW);
    }
}
