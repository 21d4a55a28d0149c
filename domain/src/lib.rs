//! What Slipway is about, without any I/O: entities, state machines, rules, planners, and the
//! ports that the outside implements. Every refusal that a client can meet is decided here.

pub mod clock;
pub mod control_plane;
pub mod error;
pub mod explanation;
pub mod ids;
pub mod names;
pub mod page;
pub mod runtime;
pub mod store;
pub mod work;

pub mod clusters;
pub mod commerce;
pub mod delivery;
pub mod events;
pub mod identity;
pub mod instances;
pub mod quota;
pub mod secrets;
pub mod workflows;

pub use control_plane::{Call, Committed, ControlPlane, Idempotency, Ports, Settings};
pub use error::{Error, Result};
pub use work::Work;
