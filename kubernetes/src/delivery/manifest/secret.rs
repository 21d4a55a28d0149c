use std::collections::BTreeMap;

use domain::{delivery::Login, secrets::SecretValues};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::ObjectMeta;

use super::registry::credentials;

/// Variables, each under its name.
pub(super) fn variables(metadata: ObjectMeta, values: &SecretValues) -> Secret {
    let data = values.iter().map(|(name, value)| (name, value.as_bytes().to_vec()));
    secret(metadata, "Opaque", data)
}

/// What a node presents to the registry of an image.
pub(super) fn image_login(metadata: ObjectMeta, login: &Login, image: &str) -> Secret {
    let config = credentials(login, [image]);
    secret(metadata, "kubernetes.io/dockerconfigjson", [(".dockerconfigjson", config)])
}

pub(super) fn secret<'a>(
    metadata: ObjectMeta,
    kind: &str,
    data: impl IntoIterator<Item = (&'a str, Vec<u8>)>,
) -> Secret {
    let data: BTreeMap<String, ByteString> =
        data.into_iter().map(|(name, value)| (name.to_owned(), ByteString(value))).collect();
    Secret { metadata, data: Some(data), type_: Some(kind.to_owned()), ..Secret::default() }
}
