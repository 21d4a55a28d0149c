use std::collections::BTreeMap;

use domain::runtime::Workload;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};
use kube::api::ObjectMeta;

use super::{meta::meta, service::PORT};
use crate::conventions::{Conventions, Tls};

/// What cert-manager goes by.
const ISSUER: &str = "cert-manager.io/cluster-issuer";

pub(crate) fn ingress(workload: &Workload, conventions: &Conventions) -> Ingress {
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
        metadata: ObjectMeta { annotations: annotations(conventions), ..meta(&workload.place) },
        spec: Some(IngressSpec {
            ingress_class_name: conventions.ingress_class.clone(),
            tls: tls(workload, conventions).map(|tls| vec![tls]),
            rules: Some(vec![IngressRule {
                host: Some(workload.host.clone()),
                http: Some(HTTPIngressRuleValue { paths: vec![path] }),
            }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }
}

fn annotations(conventions: &Conventions) -> Option<BTreeMap<String, String>> {
    match &conventions.tls {
        Tls::Issuer(name) => Some(BTreeMap::from([(ISSUER.to_owned(), name.clone())])),
        Tls::Off | Tls::Controller => None,
    }
}

fn tls(workload: &Workload, conventions: &Conventions) -> Option<IngressTLS> {
    let secret_name = match conventions.tls {
        Tls::Off => return None,
        Tls::Controller => None,
        Tls::Issuer(_) => Some(format!("{}-tls", workload.place.name)),
    };
    Some(IngressTLS { hosts: Some(vec![workload.host.clone()]), secret_name })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::sample, *};

    #[test]
    fn it_routes_the_host_to_the_service() {
        let ingress = ingress(&sample::workload(), &Conventions::default());

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

    #[test]
    fn class_and_certificates_are_the_clusters() {
        let of = |tls| {
            let class = Some("public".to_owned());
            let conventions = Conventions { ingress_class: class, tls, ..Conventions::default() };
            json!(ingress(&sample::workload(), &conventions))
        };
        let issued = of(Tls::Issuer("letsencrypt".to_owned()));
        let shared = of(Tls::Controller);

        let hosts = json!(["web-7.slipway.localhost"]);
        assert_eq!(issued["metadata"]["annotations"], json!({ ISSUER: "letsencrypt" }));
        assert_eq!(issued["spec"]["ingressClassName"], "public");
        assert_eq!(issued["spec"]["tls"], json!([{ "hosts": hosts, "secretName": "web-tls" }]));
        assert_eq!(shared["metadata"]["annotations"], json!(null));
        assert_eq!(shared["spec"]["tls"], json!([{ "hosts": hosts }]));
    }
}
