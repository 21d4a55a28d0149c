use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use domain::{Error, Result, secrets::Vault};

use crate::keys::TokenKey;

/// What a sealed text begins with, so that another algorithm can stand beside this one.
const FORM: &str = "aes256gcm:";
const NONCE_BYTES: usize = 12;

/// AES-256-GCM under keys that are derived from one setting, with a random nonce for each text
/// and the context as associated data.
pub struct AesVault(Option<Keys>);

struct Keys {
    sealing: RandomizedNonceKey,
    fingerprints: hmac::Key,
}

impl AesVault {
    /// Without a key it refuses whatever is to be sealed or opened.
    pub fn new(key: Option<&TokenKey>) -> anyhow::Result<Self> {
        let keys = key.map(|key| {
            let root = hmac::Key::new(hmac::HMAC_SHA256, key.bytes());
            let derived = |purpose: &str| hmac::sign(&root, purpose.as_bytes());
            let sealing = RandomizedNonceKey::new(&AES_256_GCM, derived("sealing").as_ref())?;
            let fingerprints = hmac::Key::new(hmac::HMAC_SHA256, derived("fingerprints").as_ref());
            anyhow::Ok(Keys { sealing, fingerprints })
        });
        Ok(Self(keys.transpose()?))
    }

    fn keys(&self) -> Result<&Keys> {
        self.0.as_ref().ok_or_else(|| {
            Error::unavailable("the sealing of secrets", "SLIPWAY_SECRETS_KEY is not set")
        })
    }
}

impl Vault for AesVault {
    fn seal(&self, plain: &[u8], context: &str) -> Result<String> {
        let mut text = plain.to_vec();
        let nonce = self
            .keys()?
            .sealing
            .seal_in_place_append_tag(Aad::from(context), &mut text)
            .map_err(|_| Error::internal("a secret cannot be sealed"))?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        Ok(format!("{FORM}{}", BASE64_STANDARD_NO_PAD.encode(sealed)))
    }

    fn open(&self, sealed: &str, context: &str) -> Result<Vec<u8>> {
        let broken = || Error::internal("a sealed secret does not open under this key");
        let sealed = sealed.strip_prefix(FORM).ok_or_else(broken)?;
        let mut sealed = BASE64_STANDARD_NO_PAD.decode(sealed).map_err(|_| broken())?;
        if sealed.len() < NONCE_BYTES {
            return Err(broken());
        }
        let mut text = sealed.split_off(NONCE_BYTES);
        let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(|_| broken())?;
        let plain = self
            .keys()?
            .sealing
            .open_in_place(nonce, Aad::from(context), &mut text)
            .map_err(|_| broken())?;
        Ok(plain.to_vec())
    }

    fn fingerprint(&self, plain: &[u8], context: &str) -> Result<String> {
        let mut hash = hmac::Context::with_key(&self.keys()?.fingerprints);
        hash.update(context.as_bytes());
        hash.update(&[0]);
        hash.update(plain);
        let digest = hash.sign();
        Ok(digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(key: char) -> AesVault {
        AesVault::new(Some(&TokenKey::new(&key.to_string().repeat(32)).unwrap())).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_under_its_key_and_context_alone() {
        let sealed = vault('a').seal(b"s3cret", "ten_1").unwrap();

        assert_eq!(vault('a').open(&sealed, "ten_1").unwrap(), b"s3cret");
        assert!(vault('a').open(&sealed, "ten_2").is_err());
        assert!(vault('b').open(&sealed, "ten_1").is_err());
        assert!(vault('a').open(&sealed[..sealed.len() - 1], "ten_1").is_err());
        assert!(!sealed.contains("s3cret"));
    }

    #[test]
    fn the_same_text_is_never_sealed_alike_and_always_has_one_fingerprint() {
        let vault = vault('a');
        let print = |plain: &[u8], context| vault.fingerprint(plain, context).unwrap();

        assert_ne!(vault.seal(b"x", "c").unwrap(), vault.seal(b"x", "c").unwrap());
        assert_eq!(print(b"x", "c"), print(b"x", "c"));
        assert_ne!(print(b"x", "c"), print(b"x", "d"));
        assert_ne!(print(b"x", "c"), print(b"y", "c"));
    }

    #[test]
    fn without_a_key_nothing_is_sealed() {
        let refused = AesVault::new(None).unwrap().seal(b"x", "c");

        assert!(matches!(refused, Err(Error::Unavailable { .. })));
    }
}
