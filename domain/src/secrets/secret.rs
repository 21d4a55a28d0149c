use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::Vault;
use crate::{
    error::{Error, Result},
    ids::TenantId,
    names,
};

/// What ciphertext is called in a payload.
const SEALED: &str = "$sealed";

/// Environment variables that nobody but the workload may see.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretValues(BTreeMap<String, String>);

/// Variables as they are stored and travel in payloads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SealedSecret {
    /// The context that it was sealed in.
    pub tenant_id: TenantId,
    /// Changes with the content.
    pub fingerprint: String,
    #[serde(rename = "$sealed")]
    pub sealed: String,
}

/// The secret of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The entity's id.
    pub owner: String,
    pub secret: SealedSecret,
    pub updated_at: Timestamp,
}

impl SecretValues {
    /// The most that a Kubernetes Secret holds is a little over this.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// Checks what a client sent; `field` is its path.
    pub fn parse(field: &str, value: Value) -> Result<Self> {
        let Value::Object(object) = value else {
            return Err(Error::invalid(field, "must be an object"));
        };
        names::environment(field, &object)?;
        let values: BTreeMap<String, String> = object.into_iter().filter_map(text).collect();
        let bytes: usize = values.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > Self::MOST_BYTES {
            let limit = Self::MOST_BYTES;
            return Err(Error::invalid(field, format!("must have at most {limit} bytes")));
        }
        Ok(Self(values))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// One text alone, which is no variable.
    pub fn single(name: &str, value: String) -> Self {
        Self(BTreeMap::from([(name.to_owned(), value)]))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All but these; `None` where nothing is left.
    pub fn without(mut self, names: &[&str]) -> Option<Self> {
        self.0.retain(|name, _| !names.contains(&name.as_str()));
        Some(self).filter(|values| !values.0.is_empty())
    }

    pub fn seal(&self, vault: &dyn Vault, tenant_id: TenantId) -> Result<SealedSecret> {
        let (plain, context) = (self.bytes()?, tenant_id.to_string());
        Ok(SealedSecret {
            tenant_id,
            fingerprint: vault.fingerprint(&plain, &context)?,
            sealed: vault.seal(&plain, &context)?,
        })
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(&self.0).map_err(Error::internal_from)
    }
}

impl SealedSecret {
    pub fn open(&self, vault: &dyn Vault) -> Result<SecretValues> {
        let plain = vault.open(&self.sealed, &self.tenant_id.to_string())?;
        serde_json::from_slice(&plain).map_err(Error::internal_from)
    }
}

impl fmt::Debug for SecretValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn text((name, value): (String, Value)) -> Option<(String, String)> {
    match value {
        Value::String(value) => Some((name, value)),
        _ => None,
    }
}

/// Serialises a document as [`shown`].
pub fn redacted<S: Serializer>(
    document: &Value,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    shown(document).serialize(serializer)
}

/// A document as clients see it: without ciphertext.
pub fn shown(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let entry = |(name, value): (&String, &Value)| {
                let value = if name == SEALED { Value::Null } else { shown(value) };
                (name.clone(), value)
            };
            Value::Object(object.iter().map(entry).collect())
        }
        Value::Array(items) => items.iter().map(shown).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_by_names_of_variables_are_taken_and_never_shown() {
        let values = SecretValues::parse("input.secretConfig", json!({ "TOKEN": "s3cret" }));

        let values = values.unwrap();
        assert_eq!(values.iter().collect::<Vec<_>>(), [("TOKEN", "s3cret")]);
        assert_eq!(format!("{values:?}"), r#"{"TOKEN"}"#);
    }

    #[test]
    fn anything_else_names_its_field() {
        let huge = "x".repeat(SecretValues::MOST_BYTES);
        for wrong in [json!([]), json!({ "A": 1 }), json!({ "1A": "" }), json!({ "A": huge })] {
            let Err(Error::Invalid { field, .. }) = SecretValues::parse("secretConfig", wrong)
            else {
                panic!("it was taken");
            };
            assert_eq!(field, "secretConfig");
        }
    }

    #[test]
    fn a_sealed_text_is_not_shown_however_deep_it_lies() {
        let payload = json!({ "workload": { "secret": { SEALED: "x", "fingerprint": "f" } } });

        let shown = shown(&payload);

        assert_eq!(shown["workload"]["secret"], json!({ SEALED: null, "fingerprint": "f" }));
    }
}
