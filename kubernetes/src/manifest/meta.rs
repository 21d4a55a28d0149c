use domain::runtime::Place;
use kube::api::ObjectMeta;

use crate::labels;

/// The same for Deployment, Service and Ingress.
pub(super) fn meta(place: &Place) -> ObjectMeta {
    ObjectMeta {
        name: Some(place.name.clone()),
        namespace: Some(place.namespace.clone()),
        labels: Some(labels::all(place)),
        ..ObjectMeta::default()
    }
}
