use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self, CustomizedPasswordHasher, PasswordHasher as _, PasswordVerifier,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use async_trait::async_trait;
use domain::{Error, Result, identity::PasswordHasher};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// How many hashes are computed at once; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// How many may wait for that.
const MOST_WAITING: usize = 1_000;
/// When those may come back who would have to wait longer.
const RETRY_AFTER_SECONDS: u64 = 10;

/// Argon2id with the library's defaults, off the async threads.
pub struct Argon2Hasher {
    turns: Semaphore,
    queue: Semaphore,
    /// What the password of an unknown account is compared with.
    decoy: String,
}

impl Argon2Hasher {
    pub fn new() -> Result<Self> {
        Ok(Self {
            turns: Semaphore::new(AT_ONCE),
            queue: Semaphore::new(AT_ONCE + MOST_WAITING),
            decoy: hashed("no such account")?,
        })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        compute: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let full = |_| Error::RateLimited { retry_after_seconds: RETRY_AFTER_SECONDS };
        let _place = self.queue.try_acquire().map_err(full)?;
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
            let matches = Returning.verify_password(password.as_bytes(), &hash).is_ok();
            Ok(matches && known)
        })
        .await
    }
}

fn hashed(password: &str) -> Result<String> {
    Returning
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::internal(format!("a password cannot be hashed: {error}")))
}

/// Argon2 in memory that goes back to the system after each hash.
struct Returning;

impl Returning {
    /// 33 MiB: above 32 MiB the allocator asks the system each time, and keeps nothing for later.
    /// What is never touched costs nothing.
    const BLOCKS: usize = 33 * 1024;

    fn memory(blocks: usize) -> Vec<Block> {
        let mut memory = Vec::with_capacity(blocks.max(Self::BLOCKS));
        memory.resize(blocks, Block::default());
        memory
    }
}

impl CustomizedPasswordHasher<PasswordHash> for Returning {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        let mut output = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let memory = Self::memory(params.block_count());
        let (spec, salt) = (ParamsString::try_from(&params)?, Salt::new(salt)?);
        Argon2::new(algorithm, version, params).hash_password_into_with_memory(
            password,
            &salt,
            &mut output,
            memory,
        )?;
        Ok(PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: spec,
            salt: Some(salt),
            hash: Some(Output::new(&output)?),
        })
    }
}

impl password_hash::PasswordHasher<PasswordHash> for Returning {
    fn hash_password_with_salt(
        &self,
        password: &[u8],
        salt: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        self.hash_password_customized(password, salt, None, None, Params::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_librarys_own() {
        let ours = hashed("correct horse").unwrap();

        let parsed = PasswordHash::new(&ours).unwrap();
        assert!(ours.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{ours}");
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"another", &parsed).is_err());
    }

    #[test]
    fn a_hash_of_the_librarys_is_understood() {
        let theirs = Argon2::default().hash_password(b"correct horse").unwrap();

        assert!(Returning.verify_password(b"correct horse", &theirs).is_ok());
        assert!(Returning.verify_password(b"another", &theirs).is_err());
    }
}
