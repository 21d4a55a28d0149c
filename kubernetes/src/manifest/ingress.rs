use domain::runtime::Workload;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, ServiceBackendPort,
};

use super::{meta::meta, service::PORT};

/// Of the cluster's default class.
pub(crate) fn ingress(workload: &Workload) -> Ingress {
    let service = IngressServiceBackend {
        name: workload.place.name.clone(),
        port: Some(ServiceBackendPort { number: Some(PORT), name: None }),
    };
    let path = HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend { service: Some(service), resource: None },
    };
    Ingress {
        metadata: meta(&workload.place),
        spec: Some(IngressSpec {
            rules: Some(vec![IngressRule {
                host: Some(workload.host.clone()),
                http: Some(HTTPIngressRuleValue { paths: vec![path] }),
            }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::sample, *};

    #[test]
    fn it_routes_the_host_to_the_service() {
        let ingress = ingress(&sample::workload());

        assert_eq!(json!(ingress)["metadata"]["name"], "web");
        assert_eq!(
            json!(ingress)["spec"],
            json!({
                "rules": [{
                    "host": "web-7.slipway.localhost",
                    "http": { "paths": [{
                        "path": "/",
                        "pathType": "Prefix",
                        "backend": { "service": { "name": "web", "port": { "number": 80 } } },
                    }] },
                }],
            })
        );
    }
}
