use domain::runtime::Workload;
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{deployment::PORT_NAME, meta::meta};
use crate::labels;

/// What the Ingress calls, whatever port the container listens on.
pub(super) const PORT: i32 = 80;

pub(crate) fn service(workload: &Workload) -> Service {
    Service {
        metadata: meta(&workload.place),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::own(&workload.place)),
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
    use serde_json::json;

    use super::{super::sample, *};

    #[test]
    fn it_leads_port_80_to_the_containers_port() {
        let service = service(&sample::workload());

        assert_eq!(
            json!(service),
            json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {
                    "name": "web",
                    "namespace": "slipway-acme--instances",
                    "labels": {
                        "app.kubernetes.io/managed-by": "slipway",
                        "app.kubernetes.io/name": "web",
                        "slipway.io/instance": sample::INSTANCE,
                    },
                },
                "spec": {
                    "type": "ClusterIP",
                    "selector": { "slipway.io/instance": sample::INSTANCE },
                    "ports": [{ "name": "http", "port": 80, "targetPort": "http" }],
                },
            })
        );
    }
}
