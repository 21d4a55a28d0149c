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
