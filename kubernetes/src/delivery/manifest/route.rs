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
    let Route { place, slot } = route;
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

#[cfg(test)]
mod tests {
    use domain::delivery::Slot;
    use serde_json::json;

    use super::{super::sample, *};

    #[test]
    fn it_leads_port_80_to_one_slot() {
        let route = route(&Route { place: sample::place(), slot: Slot::Green });

        assert_eq!(
            json!(route),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": "api",
                    "namespace": "slipway-acme-prod",
                    "labels": {
                        "app.kubernetes.io/managed-by": "slipway",
                        "app.kubernetes.io/name": "api",
                        "slipway.io/application": sample::APPLICATION,
                        "slipway.io/environment": sample::ENVIRONMENT,
                    },
                },
                "spec": {
                    "type": "ClusterIP",
                    "selector": {
                        "slipway.io/application": sample::APPLICATION,
                        "slipway.io/environment": sample::ENVIRONMENT,
                        "slipway.io/slot": "green",
                    },
                    "ports": [{ "name": "http", "port": 80, "targetPort": "http" }],
                },
            })
        );
    }
}
