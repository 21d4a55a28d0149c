//! Who calls: access tokens and API tokens, checked here. What an account may do is never read
//! from a token but from the store.

mod access_token;
mod gatekeeper;
mod secret;

pub use access_token::Signer;
pub use gatekeeper::{Gatekeeper, Pass};
