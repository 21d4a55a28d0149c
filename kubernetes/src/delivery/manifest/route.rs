use domain::delivery::Route;
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{meta::meta, release::PORT_NAME};
use crate::delivery::labels;

/// What others call, whatever port the containers listen on.
const PORT: i32 = 80;

/// The port is the container's by its name, which may have another number in another slot.
pub(in super::super) fn route(route: &Route) -> Service {
    let Route { place, slot, .. } = route;
    Service {
        metadata: meta(&place.namespace, &place.application, labels::all(place)),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::of_slot(place, *slot)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: PORT,
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}
