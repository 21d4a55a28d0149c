use crate::error::Result;

/// Encryption under a key that the store does not hold. `context` says whose the secret is: what
/// was sealed in one context opens in no other.
pub trait Vault: Send + Sync {
    fn seal(&self, plain: &[u8], context: &str) -> Result<String>;

    fn open(&self, sealed: &str, context: &str) -> Result<Vec<u8>>;

    /// Tells whether two secrets of one context are the same, and nothing else about them: 16
    /// hexadecimal digits that cannot be guessed at without the key.
    fn fingerprint(&self, plain: &[u8], context: &str) -> Result<String>;
}
