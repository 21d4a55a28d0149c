use k8s_openapi::api::core::v1::Namespace;
use kube::api::ObjectMeta;

use crate::labels;

/// Many share it, so it says nothing of any one of them.
pub(crate) fn namespace(name: &str) -> Namespace {
    Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels::shared()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_bears_no_label_of_an_instance() {
        let namespace = namespace("slipway-acme--instances");

        assert_eq!(
            json!(namespace),
            json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {
                    "name": "slipway-acme--instances",
                    "labels": { "app.kubernetes.io/managed-by": "slipway" },
                },
            })
        );
    }
}
