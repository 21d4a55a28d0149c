use std::collections::BTreeMap;

use domain::{commerce::ComputeSpec, runtime::Workload};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{
            Capabilities, Container, ContainerPort, PodSecurityContext, PodSpec, PodTemplateSpec,
            ResourceRequirements, SeccompProfile, SecurityContext,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity, apis::meta::v1::LabelSelector, util::intstr::IntOrString,
    },
};
use kube::api::ObjectMeta;

use super::{
    environment::{environment, secret_environment},
    meta::meta,
    quantity::{cores, mebibytes},
};
use crate::{
    conventions::{Conventions, GpuType, PodSecurity},
    labels,
};

/// What the Service calls the container's port.
pub(super) const PORT_NAME: &str = "http";

const RESTART_TOKEN: &str = "slipway.io/restart-token";
const SECRET_FINGERPRINT: &str = "slipway.io/secret-fingerprint";
/// An image need not listen, so there is no probe and a container is ready as soon as it runs. One
/// that dies at once must not pass for available on the way.
const MIN_READY_SECONDS: i32 = 3;
const PROGRESS_DEADLINE_SECONDS: i32 = 600;
const REVISIONS_KEPT: i32 = 2;
const GRACE_SECONDS: i64 = 10;

/// A change of specification, secret or restart token replaces the pods, each new one before
/// its old one goes.
pub(crate) fn deployment(workload: &Workload, conventions: &Conventions) -> Deployment {
    Deployment {
        metadata: meta(&workload.place),
        spec: Some(DeploymentSpec {
            replicas: Some(workload.replicas),
            selector: LabelSelector {
                match_labels: Some(labels::own(&workload.place)),
                ..LabelSelector::default()
            },
            strategy: Some(one_more_first()),
            min_ready_seconds: Some(MIN_READY_SECONDS),
            progress_deadline_seconds: Some(PROGRESS_DEADLINE_SECONDS),
            revision_history_limit: Some(REVISIONS_KEPT),
            template: template(workload, conventions),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

fn one_more_first() -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}

fn template(workload: &Workload, conventions: &Conventions) -> PodTemplateSpec {
    let gpu = workload.spec.gpu.as_ref().and_then(|gpu| conventions.gpu(gpu.kind));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels::all(&workload.place)),
            annotations: Some(annotations(workload)).filter(|all| !all.is_empty()),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container(workload, gpu.as_ref(), conventions.pod_security)],
            node_selector: gpu.map(|gpu| gpu.nodes).filter(|nodes| !nodes.is_empty()),
            automount_service_account_token: Some(false),
            enable_service_links: Some(false),
            security_context: Some(PodSecurityContext {
                run_as_non_root: is_restricted(conventions.pod_security).then_some(true),
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

fn annotations(workload: &Workload) -> BTreeMap<String, String> {
    let token = workload.restart_token.as_ref().map(|token| (RESTART_TOKEN, token));
    let secret = workload.secret.as_ref();
    let secret = secret.map(|secret| (SECRET_FINGERPRINT, &secret.fingerprint));
    let all = token.into_iter().chain(secret);
    all.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

fn is_restricted(security: PodSecurity) -> bool {
    security == PodSecurity::Restricted
}

fn container(workload: &Workload, gpu: Option<&GpuType>, security: PodSecurity) -> Container {
    let spec = &workload.spec;
    Container {
        name: "app".to_owned(),
        image: Some(spec.image.clone()),
        env: environment(spec.env()),
        env_from: workload.secret.as_ref().map(|_| vec![secret_environment(&workload.place.name)]),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: spec.port().into(),
            ..ContainerPort::default()
        }]),
        resources: Some(resources(spec, gpu)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: is_restricted(security).then(|| Capabilities {
                drop: Some(vec!["ALL".to_owned()]),
                ..Capabilities::default()
            }),
            ..SecurityContext::default()
        }),
        ..Container::default()
    }
}

/// Limits equal to requests, so that nobody lives off a neighbour.
fn resources(spec: &ComputeSpec, gpu: Option<&GpuType>) -> ResourceRequirements {
    let mut amounts = BTreeMap::from([
        ("cpu".to_owned(), cores(spec.cpu_millis)),
        ("memory".to_owned(), mebibytes(spec.memory_mib)),
    ]);
    if let (Some(wanted), Some(gpu)) = (&spec.gpu, gpu) {
        amounts.insert(gpu.resource.clone(), Quantity(wanted.count.to_string()));
    }
    ResourceRequirements {
        requests: Some(amounts.clone()),
        limits: Some(amounts),
        ..ResourceRequirements::default()
    }
}

#[cfg(test)]
mod tests {
    use domain::{commerce::Gpu, secrets::SealedSecret};
    use serde_json::{Value, json};

    use super::{super::sample, *};

    fn pod_spec(workload: &Workload) -> Value {
        json!(deployment(workload, &Conventions::default()))["spec"]["template"]["spec"].take()
    }

    #[test]
    fn it_says_all_that_matters_and_leaves_the_rest_to_the_cluster() {
        let labels = json!({
            "app.kubernetes.io/managed-by": "slipway",
            "app.kubernetes.io/name": "web",
            "slipway.io/instance": sample::INSTANCE,
        });

        assert_eq!(
            json!(deployment(&sample::workload(), &Conventions::default())),
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {
                    "name": "web",
                    "namespace": "slipway-acme--instances",
                    "labels": labels,
                },
                "spec": {
                    "replicas": 1,
                    "selector": { "matchLabels": { "slipway.io/instance": sample::INSTANCE } },
                    "strategy": {
                        "type": "RollingUpdate",
                        "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 },
                    },
                    "minReadySeconds": 3,
                    "progressDeadlineSeconds": 600,
                    "revisionHistoryLimit": 2,
                    "template": {
                        "metadata": { "labels": labels },
                        "spec": {
                            "automountServiceAccountToken": false,
                            "enableServiceLinks": false,
                            "securityContext": { "seccompProfile": { "type": "RuntimeDefault" } },
                            "terminationGracePeriodSeconds": 10,
                            "containers": [{
                                "name": "app",
                                "image": "registry.example/web:1.0",
                                "ports": [{ "name": "http", "containerPort": 3000 }],
                                "resources": {
                                    "requests": { "cpu": "250m", "memory": "256Mi" },
                                    "limits": { "cpu": "250m", "memory": "256Mi" },
                                },
                                "securityContext": { "allowPrivilegeEscalation": false },
                            }],
                        },
                    },
                },
            })
        );
    }

    #[test]
    fn the_environment_is_sorted_and_literal() {
        let mut workload = sample::workload();
        workload.spec.config =
            json!({ "env": { "ZONE": "b", "HASH": "a$$b", "AT": "$(HOME)", "NONE": "" } });

        assert_eq!(
            pod_spec(&workload)["containers"][0]["env"],
            json!([
                { "name": "AT", "value": "$$(HOME)" },
                { "name": "HASH", "value": "a$$$$b" },
                { "name": "NONE" },
                { "name": "ZONE", "value": "b" },
            ])
        );
    }

    #[test]
    fn a_gpu_is_a_resource() {
        let mut workload = sample::workload();
        workload.spec.gpu = Some(Gpu { kind: 1, count: 2 });

        assert_eq!(
            pod_spec(&workload)["containers"][0]["resources"]["limits"],
            json!({ "cpu": "250m", "memory": "256Mi", "nvidia.com/gpu": "2" })
        );
    }

    #[test]
    fn a_secret_is_the_pods_environment_and_its_change_replaces_them() {
        let secret = SealedSecret {
            tenant_id: "ten_0197c2a4b1e87d02a3c45e6f70819203".parse().unwrap(),
            fingerprint: "f1".to_owned(),
            sealed: "ciphertext".to_owned(),
        };
        let workload = Workload { secret: Some(secret), ..sample::workload() };

        let template =
            json!(deployment(&workload, &Conventions::default()))["spec"]["template"].take();

        assert_eq!(
            template["spec"]["containers"][0]["envFrom"],
            json!([{ "secretRef": { "name": "web", "optional": false } }])
        );
        assert_eq!(
            template["metadata"]["annotations"],
            json!({ "slipway.io/secret-fingerprint": "f1" })
        );
    }

    #[test]
    fn a_type_of_gpu_is_the_clusters_resource_on_the_clusters_nodes() {
        let mut workload = sample::workload();
        workload.spec.gpu = Some(Gpu { kind: 2, count: 1 });
        let nodes = BTreeMap::from([("gpu.example/model".to_owned(), "a100".to_owned())]);
        let a100 = GpuType { resource: "example.com/gpu".to_owned(), nodes };
        let conventions =
            Conventions { gpus: BTreeMap::from([(2, a100)]), ..Conventions::default() };

        let spec = json!(deployment(&workload, &conventions))["spec"]["template"]["spec"].take();

        assert_eq!(spec["nodeSelector"], json!({ "gpu.example/model": "a100" }));
        assert_eq!(spec["containers"][0]["resources"]["limits"]["example.com/gpu"], "1");
        assert!(conventions.gpu(1).is_none());
    }

    #[test]
    fn pods_are_restricted_where_the_cluster_wants_it() {
        let conventions =
            Conventions { pod_security: PodSecurity::Restricted, ..Conventions::default() };

        let spec =
            json!(deployment(&sample::workload(), &conventions))["spec"]["template"]["spec"].take();

        let seccomp = json!({ "type": "RuntimeDefault" });
        assert_eq!(
            spec["securityContext"],
            json!({ "runAsNonRoot": true, "seccompProfile": seccomp })
        );
        assert_eq!(
            spec["containers"][0]["securityContext"],
            json!({ "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } })
        );
    }

    #[test]
    fn a_restart_token_changes_the_template_alone() {
        let before = json!(deployment(&sample::workload(), &Conventions::default()));
        let workload = Workload { restart_token: Some("t2".to_owned()), ..sample::workload() };

        let mut after = json!(deployment(&workload, &Conventions::default()));

        let annotations = after["spec"]["template"]["metadata"]
            .as_object_mut()
            .and_then(|metadata| metadata.remove("annotations"));
        assert_eq!(annotations, Some(json!({ "slipway.io/restart-token": "t2" })));
        assert_eq!(after, before);
    }
}
