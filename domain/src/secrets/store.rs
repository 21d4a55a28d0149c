use async_trait::async_trait;
use jiff::Timestamp;

use super::{SealedSecret, StoredSecret};
use crate::error::Result;

#[async_trait]
pub trait SecretReads {
    /// The secrets of these owners; an owner is an entity's id.
    async fn secrets(&mut self, owners: &[String]) -> Result<Vec<StoredSecret>>;
}

#[async_trait]
pub trait SecretWrites {
    async fn save_secret(
        &mut self,
        owner: &str,
        secret: &SealedSecret,
        now: Timestamp,
    ) -> Result<()>;
    /// Gives the secret of one owner to another; nothing where there is none.
    async fn move_secret(&mut self, from: &str, to: &str) -> Result<()>;
    /// Absence is fine.
    async fn delete_secret(&mut self, owner: &str) -> Result<()>;
}
