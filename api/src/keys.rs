use std::{
    io::{ErrorKind, Write},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret that signs access tokens and keys the hashes of inputs.
#[derive(Clone)]
pub struct TokenKey(Arc<[u8]>);

impl TokenKey {
    const SHORTEST: usize = 32;

    /// At least 32 bytes.
    pub fn new(secret: &str) -> anyhow::Result<Self> {
        if secret.len() < Self::SHORTEST {
            bail!("the token key must have at least {} characters", Self::SHORTEST);
        }
        Ok(Self(secret.as_bytes().into()))
    }

    /// The key in a file that only its owner may read; made at the first start.
    pub fn in_file(path: &Path) -> anyhow::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        Self::new(text.trim())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Tells keys apart in public without giving anything of them away.
    pub fn id(&self) -> String {
        self.keyed_hash([b"key id".as_slice()])[..16].to_owned()
    }

    /// A hash that nobody without the key can make or check.
    pub fn keyed_hash<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut hash = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is a key");
        parts.into_iter().for_each(|part| hash.update(part));
        hash.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The key that signs, and the one before it, whose work is still accepted.
#[derive(Clone)]
pub struct TokenKeys {
    pub current: TokenKey,
    pub previous: Option<TokenKey>,
}

impl TokenKeys {
    /// The current one first.
    pub fn accepted(&self) -> impl Iterator<Item = &TokenKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

impl From<TokenKey> for TokenKeys {
    fn from(current: TokenKey) -> Self {
        Self { current, previous: None }
    }
}

fn make(path: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;

    let text = random_text::<48>()?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| format!("making {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

/// Random bytes as text that fits a file, a header or a prompt.
pub fn random_text<const BYTES: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(BASE64_STANDARD_NO_PAD.encode(bytes).replace(['+', '/'], "x"))
}
