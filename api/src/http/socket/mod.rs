mod connection;
mod message;
mod origin;
mod protocol;
mod upgrade;

pub use upgrade::open;
