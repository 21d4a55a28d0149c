use std::collections::BTreeMap;

use domain::clusters::SearchWorkload;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ObjectMeta;

use crate::labels;

const SOURCE: &str = "slipway.io/source-url";

/// It is the cluster's own, and goes with it.
pub(crate) fn namespace(workload: &SearchWorkload) -> Namespace {
    let source = workload.source_url.as_ref();
    let source = source.map(|url| BTreeMap::from([(SOURCE.to_owned(), url.clone())]));
    Namespace {
        metadata: ObjectMeta {
            name: Some(workload.place.namespace.clone()),
            labels: Some(labels::of_cluster(&workload.place)),
            annotations: source,
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};

    #[test]
    fn a_namespace_says_where_the_configuration_comes_from() {
        insta::assert_snapshot!(sample::shown(&namespace(&sample::workload())), @r#"
        {
          "apiVersion": "v1",
          "kind": "Namespace",
          "metadata": {
            "annotations": {
              "slipway.io/source-url": "https://git.example/books.git"
            },
            "labels": {
              "app.kubernetes.io/managed-by": "slipway",
              "app.kubernetes.io/name": "books",
              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
            },
            "name": "slipway-acme--books-2"
          }
        }
        "#);
    }
}
