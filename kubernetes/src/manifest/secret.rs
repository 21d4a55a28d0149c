use domain::{runtime::Workload, secrets::SecretValues};
use k8s_openapi::{ByteString, api::core::v1::Secret};

use super::meta::meta;

/// What the Deployment's pods take their secret environment from.
pub(crate) fn secret(workload: &Workload, values: &SecretValues) -> Secret {
    let entry = |(name, value): (&str, &str)| (name.to_owned(), ByteString(value.into()));
    Secret {
        metadata: meta(&workload.place),
        data: Some(values.iter().map(entry).collect()),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::sample, *};

    #[test]
    fn it_holds_each_variable_under_its_name() {
        let values = SecretValues::parse("secretConfig", json!({ "TOKEN": "s3cret" })).unwrap();

        let secret = json!(secret(&sample::workload(), &values));

        assert_eq!(secret["metadata"]["name"], "web");
        assert_eq!(secret["type"], "Opaque");
        assert_eq!(secret["data"], json!({ "TOKEN": "czNjcmV0" }));
    }
}
