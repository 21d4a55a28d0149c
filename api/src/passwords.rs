use argon2::{
    Argon2,
    password_hash::{PasswordHasher as _, PasswordVerifier, phc::PasswordHash},
};
use async_trait::async_trait;
use domain::{Error, Result, identity::PasswordHasher};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// How many hashes are computed at once; each takes 19 MiB.
const AT_ONCE: usize = 2;

/// Argon2id with the library's defaults, off the async threads.
pub struct Argon2Hasher {
    turns: Semaphore,
    /// What the password of an unknown account is compared with.
    decoy: String,
}

impl Argon2Hasher {
    pub fn new() -> Result<Self> {
        Ok(Self { turns: Semaphore::new(AT_ONCE), decoy: hashed("no such account")? })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.turns.acquire().await.map_err(Error::internal_from)?;
        spawn_blocking(compute).await.map_err(Error::internal_from)?
    }
}

#[async_trait]
impl PasswordHasher for Argon2Hasher {
    async fn hash(&self, password: String) -> Result<String> {
        self.in_turn(move || hashed(&password)).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        self.in_turn(move || {
            let hash = PasswordHash::new(&hash)
                .map_err(|error| Error::internal(format!("a password hash is broken: {error}")))?;
            let matches = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            Ok(matches && known)
        })
        .await
    }
}

fn hashed(password: &str) -> Result<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal(format!("a password cannot be hashed: {error}")))
}
