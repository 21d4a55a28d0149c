use domain::delivery::{Place, Release, Secrets, Slot};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
        core::v1::{Container, ContainerPort, Probe, Secret, TCPSocketAction},
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{
    meta::meta,
    pod::{confined, template},
    secret::{image_login, variables},
};
use crate::{
    delivery::labels,
    manifest::{environment, secret_environment},
};

/// What the Service calls the container's port.
pub(super) const PORT_NAME: &str = "http";

/// One that dies at once must not pass for available on the way.
const MIN_READY_SECONDS: i32 = 3;
const PROGRESS_DEADLINE_SECONDS: i32 = 600;
const REVISIONS_KEPT: i32 = 2;

/// What the Deployment of a slot is called.
pub(in super::super) fn release_name(place: &Place, slot: Slot) -> String {
    format!("{}-{}", place.application, slot.as_str())
}

/// The Secrets that a slot may have: of variables, and for the image's registry.
pub(in super::super) fn secret_names(place: &Place, slot: Slot) -> [String; 2] {
    let name = release_name(place, slot);
    let registry = format!("{name}-registry");
    [name, registry]
}

/// Another deployment replaces the pods, whatever else is the same: its label is on them.
pub(in super::super) fn release(release: &Release, secrets: &Secrets) -> Deployment {
    let Release { place, slot, deployment_id, .. } = release;
    let mut labels = labels::of_deployment(place, *deployment_id);
    labels.extend(labels::of_slot(place, *slot));
    let [_, registry] = secret_names(place, *slot);
    let login = secrets.registry.as_ref().map(|_| registry);
    Deployment {
        metadata: meta(&place.namespace, &release_name(place, *slot), labels.clone()),
        spec: Some(DeploymentSpec {
            replicas: Some(release.replicas),
            selector: LabelSelector {
                match_labels: Some(labels::of_slot(place, *slot)),
                ..LabelSelector::default()
            },
            strategy: Some(strategy(release.max_unavailable)),
            min_ready_seconds: Some(MIN_READY_SECONDS),
            progress_deadline_seconds: Some(PROGRESS_DEADLINE_SECONDS),
            revision_history_limit: Some(REVISIONS_KEPT),
            template: template(labels, container(release, secrets), login),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }
}

pub(in super::super) fn release_secrets(release: &Release, secrets: &Secrets) -> Vec<Secret> {
    let Release { place, slot, deployment_id, .. } = release;
    let labels = labels::of_deployment(place, *deployment_id);
    let [own, registry] =
        secret_names(place, *slot).map(|name| meta(&place.namespace, &name, labels.clone()));
    let environment = secrets.environment.as_ref().map(|values| variables(own, values));
    let login = secrets.registry.as_ref();
    let login = login.map(|it| image_login(registry, it, &release.image));
    environment.into_iter().chain(login).collect()
}

fn strategy(max_unavailable: i32) -> DeploymentStrategy {
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(IntOrString::Int(1)),
            max_unavailable: Some(IntOrString::Int(max_unavailable)),
        }),
    }
}

fn container(release: &Release, secrets: &Secrets) -> Container {
    let [own, _] = secret_names(&release.place, release.slot);
    let variables = release.environment.iter();
    Container {
        name: "app".to_owned(),
        image: Some(release.image.clone()),
        env: environment(variables.map(|(name, value)| (name.as_str(), value.as_str()))),
        env_from: secrets.environment.as_ref().map(|_| vec![secret_environment(&own)]),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: release.port.into(),
            ..ContainerPort::default()
        }]),
        readiness_probe: Some(listens()),
        security_context: Some(confined()),
        ..Container::default()
    }
}

/// No traffic before it listens. Whether it is well is for a health check to say.
fn listens() -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction {
            port: IntOrString::String(PORT_NAME.to_owned()),
            ..TCPSocketAction::default()
        }),
        period_seconds: Some(2),
        ..Probe::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::{super::sample, *};

    fn sample() -> Release {
        Release {
            place: sample::place(),
            slot: Slot::Green,
            deployment_id: sample::DEPLOYMENT.parse().expect("it is an id"),
            image: "registry.example/api:v1@sha256:ab".to_owned(),
            port: 3000,
            replicas: 3,
            max_unavailable: 1,
            environment: BTreeMap::from([("PRICE".to_owned(), "$5".to_owned())]),
        }
    }

    fn pod(secrets: &Secrets) -> Value {
        json!(release(&sample(), secrets))["spec"]["template"]["spec"].take()
    }

    #[test]
    fn a_slot_runs_one_deployments_image_by_a_rolling_update() {
        let mut labels = sample::labels();
        labels["slipway.io/slot"] = json!("green");

        assert_eq!(
            json!(release(&sample(), &Secrets::default())),
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {
                    "name": "api-green",
                    "namespace": "slipway-acme-prod",
                    "labels": labels,
                },
                "spec": {
                    "replicas": 3,
                    "selector": { "matchLabels": {
                        "slipway.io/application": sample::APPLICATION,
                        "slipway.io/environment": sample::ENVIRONMENT,
                        "slipway.io/slot": "green",
                    } },
                    "strategy": {
                        "type": "RollingUpdate",
                        "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 1 },
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
                            "containers": [{
                                "name": "app",
                                "image": "registry.example/api:v1@sha256:ab",
                                "env": [{ "name": "PRICE", "value": "$$5" }],
                                "ports": [{ "name": "http", "containerPort": 3000 }],
                                "readinessProbe": {
                                    "tcpSocket": { "port": "http" },
                                    "periodSeconds": 2,
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
    fn secrets_are_the_slots_own_and_those_of_the_build_stay_away() {
        let pod = pod(&sample::secrets());
        let secrets = release_secrets(&sample(), &sample::secrets());

        let held: Vec<_> = secrets.iter().map(|it| json!([it.metadata.name, it.type_])).collect();
        assert_eq!(
            held,
            [
                json!(["api-green", "Opaque"]),
                json!(["api-green-registry", "kubernetes.io/dockerconfigjson"]),
            ]
        );
        assert_eq!(
            pod["containers"][0]["envFrom"],
            json!([{ "secretRef": { "name": "api-green", "optional": false } }])
        );
        assert_eq!(pod["imagePullSecrets"], json!([{ "name": "api-green-registry" }]));
        assert!(!json!(secrets).to_string().contains("git"));
    }
}
