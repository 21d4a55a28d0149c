mod local;
mod redis;

pub use self::{local::LocalBus, redis::RedisBus};
