use std::collections::BTreeMap;

use domain::clusters::{SearchResources, SearchWorkload};
use k8s_openapi::{
    api::{
        apps::v1::{
            StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
            StatefulSetUpdateStrategy,
        },
        core::v1::{
            Affinity, Capabilities, Container, ContainerPort, EnvVar, EnvVarSource, HTTPGetAction,
            ObjectFieldSelector, PersistentVolumeClaim, PersistentVolumeClaimSpec, PodAffinityTerm,
            PodAntiAffinity, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
            ResourceRequirements, SeccompProfile, SecurityContext, TCPSocketAction, VolumeMount,
            VolumeResourceRequirements, WeightedPodAffinityTerm,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity, apis::meta::v1::LabelSelector, util::intstr::IntOrString,
    },
};
use kube::api::ObjectMeta;

use super::{
    meta::meta,
    services::{HTTP, TRANSPORT, headless_name},
};
use crate::{conventions::Conventions, labels};

/// The account that the image runs as.
const ACCOUNT: i64 = 1000;
const DATA: &str = "data";
const DATA_PATH: &str = "/usr/share/elasticsearch/data";
const GRACE_SECONDS: i64 = 120;

/// All replicas begin at once, for they have to find each other; they are replaced one by one.
pub(crate) fn stateful_set(workload: &SearchWorkload, conventions: &Conventions) -> StatefulSet {
    let place = &workload.place;
    StatefulSet {
        metadata: meta(place, place.name.clone()),
        spec: Some(StatefulSetSpec {
            replicas: Some(workload.replicas),
            service_name: Some(headless_name(place)),
            pod_management_policy: Some("Parallel".to_owned()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".to_owned()),
                ..StatefulSetUpdateStrategy::default()
            }),
            selector: own(workload),
            template: template(workload, conventions),
            volume_claim_templates: Some(vec![volume(workload)]),
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    // Deleted by us, when the pods are gone.
                    when_deleted: Some("Retain".to_owned()),
                    when_scaled: Some("Delete".to_owned()),
                },
            ),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn own(workload: &SearchWorkload) -> LabelSelector {
    let match_labels = Some(labels::own_of_cluster(&workload.place));
    LabelSelector { match_labels, ..LabelSelector::default() }
}

fn volume(workload: &SearchWorkload) -> PersistentVolumeClaim {
    let size = Quantity(workload.first_disk_size.clone());
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(DATA.to_owned()),
            labels: Some(labels::of_cluster(&workload.place)),
            ..ObjectMeta::default()
        },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), size)])),
                ..VolumeResourceRequirements::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

fn template(workload: &SearchWorkload, conventions: &Conventions) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels::of_cluster(&workload.place)),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            affinity: Some(apart(workload)),
            automount_service_account_token: Some(false),
            containers: vec![container(workload, conventions)],
            enable_service_links: Some(false),
            security_context: Some(PodSecurityContext {
                fs_group: Some(ACCOUNT),
                run_as_group: Some(ACCOUNT),
                run_as_non_root: Some(true),
                run_as_user: Some(ACCOUNT),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".to_owned(),
                    localhost_profile: None,
                }),
                ..PodSecurityContext::default()
            }),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            ..PodSpec::default()
        }),
    }
}

/// On different nodes where there are enough.
fn apart(workload: &SearchWorkload) -> Affinity {
    let term = WeightedPodAffinityTerm {
        weight: 100,
        pod_affinity_term: PodAffinityTerm {
            label_selector: Some(own(workload)),
            topology_key: "kubernetes.io/hostname".to_owned(),
            ..PodAffinityTerm::default()
        },
    };
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![term]),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}

fn container(workload: &SearchWorkload, conventions: &Conventions) -> Container {
    let port = |(name, port): (&str, i32)| ContainerPort {
        name: Some(name.to_owned()),
        container_port: port,
        ..ContainerPort::default()
    };
    Container {
        name: "search".to_owned(),
        image: Some(workload.image.clone()),
        env: Some(environment(workload)),
        ports: Some(vec![port(HTTP), port(TRANSPORT)]),
        // A node that joins may take minutes; afterwards one that hangs is started again.
        startup_probe: Some(Probe { failure_threshold: Some(60), ..listens(5) }),
        liveness_probe: Some(listens(20)),
        readiness_probe: Some(answers()),
        resources: Some(resources(&workload.resources, conventions)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![VolumeMount {
            name: DATA.to_owned(),
            mount_path: DATA_PATH.to_owned(),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}

fn listens(period: i32) -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction {
            port: IntOrString::String(TRANSPORT.0.to_owned()),
            ..TCPSocketAction::default()
        }),
        period_seconds: Some(period),
        ..Probe::default()
    }
}

fn answers() -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some("/_cluster/health?local=true".to_owned()),
            port: IntOrString::String(HTTP.0.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(10),
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}

fn environment(workload: &SearchWorkload) -> Vec<EnvVar> {
    let (name, heap) = (&workload.place.name, workload.heap_mib);
    let pod_name = ObjectFieldSelector {
        field_path: "metadata.name".to_owned(),
        ..ObjectFieldSelector::default()
    };
    let own_name = EnvVar {
        name: "node.name".to_owned(),
        value_from: Some(EnvVarSource { field_ref: Some(pod_name), ..EnvVarSource::default() }),
        ..EnvVar::default()
    };
    let set = |name: &str, value: String| EnvVar {
        name: name.to_owned(),
        value: Some(value),
        ..EnvVar::default()
    };
    vec![
        set("cluster.name", name.clone()),
        own_name,
        set("network.host", "0.0.0.0".to_owned()),
        set("discovery.seed_hosts", headless_name(&workload.place)),
        // Looked at once, when the cluster is formed; the same for ever, so that scaling replaces
        // no replica.
        set("cluster.initial_master_nodes", format!("{name}-0")),
        // Without it the nodes of the cluster would have to be prepared.
        set("node.store.allow_mmap", "false".to_owned()),
        // It is reached from inside the cluster alone.
        set("xpack.security.enabled", "false".to_owned()),
        set("ES_JAVA_OPTS", format!("-Xms{heap}m -Xmx{heap}m")),
    ]
}

fn resources(wanted: &SearchResources, conventions: &Conventions) -> ResourceRequirements {
    let amounts = |cpu: &str, memory: &str| {
        let gpu = (wanted.gpu_count > 0).then(|| {
            let known = conventions.gpus.values().next().cloned().unwrap_or_default();
            (known.resource, Quantity(wanted.gpu_count.to_string()))
        });
        let cpu = ("cpu".to_owned(), Quantity(cpu.to_owned()));
        let memory = ("memory".to_owned(), Quantity(memory.to_owned()));
        [cpu, memory].into_iter().chain(gpu).collect::<BTreeMap<_, _>>()
    };
    ResourceRequirements {
        requests: Some(amounts(&wanted.cpu_request, &wanted.memory_request)),
        limits: Some(amounts(&wanted.cpu_limit, &wanted.memory_limit)),
        ..ResourceRequirements::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};

    #[test]
    fn it_says_all_that_matters_and_leaves_the_rest_to_the_cluster() {
        let set = stateful_set(&sample::workload(), &Conventions::default());

        insta::assert_snapshot!(sample::shown(&set), @r#"
        {
          "apiVersion": "apps/v1",
          "kind": "StatefulSet",
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
            "persistentVolumeClaimRetentionPolicy": {
              "whenDeleted": "Retain",
              "whenScaled": "Delete"
            },
            "podManagementPolicy": "Parallel",
            "replicas": 3,
            "selector": {
              "matchLabels": {
                "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
              }
            },
            "serviceName": "books-nodes",
            "template": {
              "metadata": {
                "labels": {
                  "app.kubernetes.io/managed-by": "slipway",
                  "app.kubernetes.io/name": "books",
                  "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
                }
              },
              "spec": {
                "affinity": {
                  "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                      {
                        "podAffinityTerm": {
                          "labelSelector": {
                            "matchLabels": {
                              "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
                            }
                          },
                          "topologyKey": "kubernetes.io/hostname"
                        },
                        "weight": 100
                      }
                    ]
                  }
                },
                "automountServiceAccountToken": false,
                "containers": [
                  {
                    "env": [
                      {
                        "name": "cluster.name",
                        "value": "books"
                      },
                      {
                        "name": "node.name",
                        "valueFrom": {
                          "fieldRef": {
                            "fieldPath": "metadata.name"
                          }
                        }
                      },
                      {
                        "name": "network.host",
                        "value": "0.0.0.0"
                      },
                      {
                        "name": "discovery.seed_hosts",
                        "value": "books-nodes"
                      },
                      {
                        "name": "cluster.initial_master_nodes",
                        "value": "books-0"
                      },
                      {
                        "name": "node.store.allow_mmap",
                        "value": "false"
                      },
                      {
                        "name": "xpack.security.enabled",
                        "value": "false"
                      },
                      {
                        "name": "ES_JAVA_OPTS",
                        "value": "-Xms1024m -Xmx1024m"
                      }
                    ],
                    "image": "elasticsearch:8.17.0",
                    "livenessProbe": {
                      "periodSeconds": 20,
                      "tcpSocket": {
                        "port": "transport"
                      }
                    },
                    "name": "search",
                    "ports": [
                      {
                        "containerPort": 9200,
                        "name": "http"
                      },
                      {
                        "containerPort": 9300,
                        "name": "transport"
                      }
                    ],
                    "readinessProbe": {
                      "httpGet": {
                        "path": "/_cluster/health?local=true",
                        "port": "http"
                      },
                      "periodSeconds": 10,
                      "timeoutSeconds": 5
                    },
                    "resources": {
                      "limits": {
                        "cpu": "1",
                        "memory": "2Gi"
                      },
                      "requests": {
                        "cpu": "500m",
                        "memory": "2Gi"
                      }
                    },
                    "securityContext": {
                      "allowPrivilegeEscalation": false,
                      "capabilities": {
                        "drop": [
                          "ALL"
                        ]
                      }
                    },
                    "startupProbe": {
                      "failureThreshold": 60,
                      "periodSeconds": 5,
                      "tcpSocket": {
                        "port": "transport"
                      }
                    },
                    "volumeMounts": [
                      {
                        "mountPath": "/usr/share/elasticsearch/data",
                        "name": "data"
                      }
                    ]
                  }
                ],
                "enableServiceLinks": false,
                "securityContext": {
                  "fsGroup": 1000,
                  "runAsGroup": 1000,
                  "runAsNonRoot": true,
                  "runAsUser": 1000,
                  "seccompProfile": {
                    "type": "RuntimeDefault"
                  }
                },
                "terminationGracePeriodSeconds": 120
              }
            },
            "updateStrategy": {
              "type": "RollingUpdate"
            },
            "volumeClaimTemplates": [
              {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                  "labels": {
                    "app.kubernetes.io/managed-by": "slipway",
                    "app.kubernetes.io/name": "books",
                    "slipway.io/cluster": "clu_0197c2a4b1e87d02a3c45e6f70819203"
                  },
                  "name": "data"
                },
                "spec": {
                  "accessModes": [
                    "ReadWriteOnce"
                  ],
                  "resources": {
                    "requests": {
                      "storage": "10Gi"
                    }
                  }
                }
              }
            ]
          }
        }
        "#);
    }

    #[test]
    fn gpus_are_asked_for_and_a_larger_disk_is_not_the_template_s() {
        let mut workload = sample::workload();
        workload.resources.gpu_count = 2;
        workload.resources.disk_size = "20Gi".to_owned();

        let spec = stateful_set(&workload, &Conventions::default()).spec.expect("it has one");

        let container = &spec.template.spec.expect("it has one").containers[0];
        let resources = container.resources.clone().expect("it has some");
        let limits = resources.limits.expect("it has some");
        assert_eq!(limits["nvidia.com/gpu"].0, "2");
        let claim = &spec.volume_claim_templates.expect("it has one")[0];
        let disk = claim.spec.clone().and_then(|spec| spec.resources).expect("it has some");
        assert_eq!(disk.requests.expect("it has some")["storage"].0, "10Gi");
    }
}
