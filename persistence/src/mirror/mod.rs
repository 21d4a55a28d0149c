mod memory;
mod redis;

pub use self::{memory::MemoryMirror, redis::RedisMirror};
