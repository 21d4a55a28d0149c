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
