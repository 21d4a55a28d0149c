use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use domain::{error::ErrorCode, identity::Caller, ids::UserId};

use super::refusal::Refusal;

/// When an account that has no seat left may ask again.
const RETRY_AFTER_SECONDS: u64 = 10;

/// How many streams each account has open in this process.
#[derive(Default)]
pub struct Seats(Mutex<HashMap<UserId, usize>>);

/// One stream's place, given back when it is dropped.
pub struct Seat {
    seats: Arc<Seats>,
    user: Option<UserId>,
}

impl Seats {
    /// Takes a seat of at most so many. Who has no account gets nothing to follow, and none.
    pub fn take(self: &Arc<Self>, caller: &Caller, most: usize) -> Result<Seat, Refusal> {
        let user = caller.actor().ok().map(|actor| actor.user.id);
        if let Some(user) = user {
            let mut taken = self.taken();
            let taken = taken.entry(user).or_default();
            if *taken >= most {
                let message = format!("an account has at most {most} event streams at once");
                return Err(Refusal {
                    retry_after_seconds: Some(RETRY_AFTER_SECONDS),
                    ..Refusal::new(ErrorCode::RateLimited, message)
                });
            }
            *taken += 1;
        }
        Ok(Seat { seats: Arc::clone(self), user })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(user) = self.user else { return };
        let mut taken = self.seats.taken();
        if let Some(count) = taken.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&user);
            }
        }
    }
}
