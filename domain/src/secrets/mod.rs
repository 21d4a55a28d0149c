//! What is written and never read back: sealed by a key outside the store, opened only on its way
//! into a cluster.

mod secret;
mod service;
mod store;
mod vault;

pub use secret::{SealedSecret, SecretValues, StoredSecret, redacted, shown};
pub use store::{SecretReads, SecretWrites};
pub use vault::Vault;
