//! How the objects of one application in one environment are told from others.

use std::collections::BTreeMap;

use domain::{
    delivery::{Place, Slot},
    ids::DeploymentId,
};
use kube::api::ObjectMeta;

use crate::labels;

const APPLICATION: &str = "slipway.io/application";
const ENVIRONMENT: &str = "slipway.io/environment";
const DEPLOYMENT: &str = "slipway.io/deployment";
const SLOT: &str = "slipway.io/slot";

type Labels = BTreeMap<String, String>;

/// The labels of all objects of an application in an environment.
pub(super) fn all(place: &Place) -> Labels {
    let mut labels = labels::named(&place.application);
    labels.append(&mut own(place));
    labels
}

/// The same, with the deployment that an object is of.
pub(super) fn of_deployment(place: &Place, deployment: DeploymentId) -> Labels {
    let mut labels = all(place);
    labels.insert(DEPLOYMENT.to_owned(), deployment.to_string());
    labels
}

/// The labels that only the pods of one slot bear.
pub(super) fn of_slot(place: &Place, slot: Slot) -> Labels {
    let mut labels = own(place);
    labels.insert(SLOT.to_owned(), slot.as_str().to_owned());
    labels
}

/// Selects the Jobs of a deployment for one application.
pub(super) fn jobs_of(place: &Place, deployment: DeploymentId) -> String {
    let mut labels = own(place);
    labels.insert(DEPLOYMENT.to_owned(), deployment.to_string());
    selector(&labels)
}

/// Selects what bears all of these.
pub(super) fn selector(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(",")
}

pub(super) fn is_of(meta: &ObjectMeta, place: &Place) -> bool {
    let labels = meta.labels.as_ref();
    own(place).iter().all(|(name, value)| labels.and_then(|all| all.get(name)) == Some(value))
}

/// The deployment that an object is of; `None` where the label is absent or not an id.
pub(super) fn deployment_id(meta: &ObjectMeta) -> Option<DeploymentId> {
    meta.labels.as_ref()?.get(DEPLOYMENT)?.parse().ok()
}

/// The slot that these name.
pub(super) fn slot(labels: &Labels) -> Option<Slot> {
    let name = labels.get(SLOT)?;
    Slot::ALL.iter().copied().find(|slot| slot.as_str() == name)
}

fn own(place: &Place) -> Labels {
    BTreeMap::from([
        (APPLICATION.to_owned(), place.application_id.to_string()),
        (ENVIRONMENT.to_owned(), place.environment_id.to_string()),
    ])
}
