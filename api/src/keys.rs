use std::{
    io::{ErrorKind, Write},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};

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
