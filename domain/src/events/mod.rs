mod bus;
mod cursor;
mod event;
mod retention;
mod service;
mod store;

pub use bus::Bus;
pub use cursor::Cursor;
pub use event::{Event, EventFilter, EventType, NewEvent, Subject};
pub use store::{Author, EventReads, EventWrites, IdempotencyRecord};
