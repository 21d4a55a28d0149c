use domain::clusters::{ClusterPlace, SearchWorkload};
use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::meta::meta;
use crate::labels;

/// Where clients speak to it.
pub(crate) const HTTP: (&str, i32) = ("http", 9200);
/// Where its replicas speak to each other.
pub(super) const TRANSPORT: (&str, i32) = ("transport", 9300);

pub(crate) fn headless_name(place: &ClusterPlace) -> String {
    format!("{}-nodes", place.name)
}

/// Its replicas have names in it from the first moment: they find each other before any is ready.
pub(crate) fn headless_service(workload: &SearchWorkload) -> Service {
    let place = &workload.place;
    let spec = ServiceSpec {
        cluster_ip: Some("None".to_owned()),
        publish_not_ready_addresses: Some(true),
        ..spec(place, &[TRANSPORT, HTTP])
    };
    Service { metadata: meta(place, headless_name(place)), spec: Some(spec), ..Service::default() }
}

pub(crate) fn client_service(workload: &SearchWorkload) -> Service {
    let place = &workload.place;
    Service {
        metadata: meta(place, place.name.clone()),
        spec: Some(spec(place, &[HTTP])),
        ..Service::default()
    }
}

fn spec(place: &ClusterPlace, ports: &[(&str, i32)]) -> ServiceSpec {
    let port = |(name, port): &(&str, i32)| ServicePort {
        name: Some((*name).to_owned()),
        port: *port,
        target_port: Some(IntOrString::String((*name).to_owned())),
        ..ServicePort::default()
    };
    ServiceSpec {
        type_: Some("ClusterIP".to_owned()),
        selector: Some(labels::own_of_cluster(place)),
        ports: Some(ports.iter().map(port).collect()),
        ..ServiceSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};

    #[test]
    fn replicas_find_each_other_before_they_are_ready() {
        insta::assert_snapshot!(sample::shown(&headless_service(&sample::workload())), @r#"
        {
          "apiVersion": "v1",
          "kind": "Service",
          "metadata": {
            "labels": {
              "app.kubernetes.io/managed-by": "slipway",
              "app.kubernetes.io/name": "books",
              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
            },
            "name": "books-nodes",
            "namespace": "slipway-acme--books-2"
          },
          "spec": {
            "clusterIP": "None",
            "ports": [
              {
                "name": "transport",
                "port": 9300,
                "targetPort": "transport"
              },
              {
                "name": "http",
                "port": 9200,
                "targetPort": "http"
              }
            ],
            "publishNotReadyAddresses": true,
            "selector": {
              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
            },
            "type": "ClusterIP"
          }
        }
        "#);
    }

    #[test]
    fn clients_find_what_is_ready() {
        insta::assert_snapshot!(sample::shown(&client_service(&sample::workload())), @r#"
        {
          "apiVersion": "v1",
          "kind": "Service",
          "metadata": {
            "labels": {
              "app.kubernetes.io/managed-by": "slipway",
              "app.kubernetes.io/name": "books",
              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
            },
            "name": "books",
            "namespace": "slipway-acme--books-2"
          },
          "spec": {
            "ports": [
              {
                "name": "http",
                "port": 9200,
                "targetPort": "http"
              }
            ],
            "selector": {
              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
            },
            "type": "ClusterIP"
          }
        }
        "#);
    }
}
