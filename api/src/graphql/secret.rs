use async_graphql::SimpleObject;
use domain::secrets::StoredSecret;

use super::scalars::DateTime;

/// That there is a secret, and when it was written. The secret itself is never read back.
#[derive(SimpleObject, Default)]
pub struct SecretInfo {
    /// Whether there is one.
    is_set: bool,
    /// When it was written last.
    updated_at: Option<DateTime>,
    /// 16 hexadecimal digits that change with the content; the same content has the same ones
    /// within a tenant.
    fingerprint: Option<String>,
}

impl From<Option<StoredSecret>> for SecretInfo {
    fn from(stored: Option<StoredSecret>) -> Self {
        stored.map_or_else(Self::default, |stored| Self {
            is_set: true,
            updated_at: Some(DateTime(stored.updated_at)),
            fingerprint: Some(stored.secret.fingerprint),
        })
    }
}
