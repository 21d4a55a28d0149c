//! How our objects are told from others.

use std::collections::BTreeMap;

use domain::{
    clusters::ClusterPlace,
    ids::InstanceId,
    runtime::{Owner, Place},
};
use kube::api::ObjectMeta;

/// Selects everything of ours.
pub(crate) const MANAGED: &str = "app.kubernetes.io/managed-by=slipway";

const INSTANCE: &str = "slipway.io/instance";
const CLUSTER: &str = "slipway.io/cluster";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const NAME: &str = "app.kubernetes.io/name";

/// The labels of what many share.
pub(crate) fn shared() -> BTreeMap<String, String> {
    BTreeMap::from([(MANAGED_BY.to_owned(), "slipway".to_owned())])
}

/// The label that only the objects of one instance bear.
pub(crate) fn own(place: &Place) -> BTreeMap<String, String> {
    BTreeMap::from([(INSTANCE.to_owned(), place.instance_id.to_string())])
}

/// The labels of all objects of an instance, its pods included.
pub(crate) fn all(place: &Place) -> BTreeMap<String, String> {
    let mut labels = named(&place.name);
    labels.append(&mut own(place));
    labels
}

/// The labels of what belongs to one thing of that name.
pub(crate) fn named(name: &str) -> BTreeMap<String, String> {
    let mut labels = shared();
    labels.insert(NAME.to_owned(), name.to_owned());
    labels
}

/// Selects what bears the label of one instance.
pub(crate) fn selector(place: &Place) -> String {
    format!("{INSTANCE}={}", place.instance_id)
}

/// The instance that an object belongs to; `None` where the label is absent or not an id.
pub(crate) fn instance_id(meta: &ObjectMeta) -> Option<InstanceId> {
    meta.labels.as_ref()?.get(INSTANCE)?.parse().ok()
}

/// The label that only the objects of one cluster bear.
pub(crate) fn own_of_cluster(place: &ClusterPlace) -> BTreeMap<String, String> {
    BTreeMap::from([(CLUSTER.to_owned(), place.cluster_id.to_string())])
}

/// The labels of all objects of a cluster, its pods included.
pub(crate) fn of_cluster(place: &ClusterPlace) -> BTreeMap<String, String> {
    let mut labels = shared();
    labels.append(&mut own_of_cluster(place));
    labels.insert(NAME.to_owned(), place.name.clone());
    labels
}

/// Selects what bears the label of one cluster.
pub(crate) fn selector_of_cluster(place: &ClusterPlace) -> String {
    format!("{CLUSTER}={}", place.cluster_id)
}

/// Whether it is one of those that are made for tenants.
pub(crate) fn is_our_namespace(name: &str) -> bool {
    name.starts_with("slipway-")
}

/// What an object belongs to.
pub(crate) fn owner(meta: &ObjectMeta) -> Option<Owner> {
    let cluster = || meta.labels.as_ref()?.get(CLUSTER)?.parse().ok();
    instance_id(meta).map(Owner::Instance).or_else(|| cluster().map(Owner::Cluster))
}
