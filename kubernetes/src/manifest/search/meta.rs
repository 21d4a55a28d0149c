use domain::clusters::ClusterPlace;
use kube::api::ObjectMeta;

use crate::labels;

pub(super) fn meta(place: &ClusterPlace, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(place.namespace.clone()),
        labels: Some(labels::of_cluster(place)),
        ..ObjectMeta::default()
    }
}
