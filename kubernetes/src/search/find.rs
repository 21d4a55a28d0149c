//! Reading a search cluster's objects. Names come free and are used again, so an object is a
//! cluster's own only while it bears its label.

use std::fmt::Debug;

use domain::{clusters::ClusterPlace, runtime::Owner};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Namespace};
use kube::{Api, Client, Resource, api::ListParams};
use serde::de::DeserializeOwned;

use crate::{labels, limit::limited};

/// The cluster's object of that kind and name, if it stands.
pub(super) async fn find<K>(
    client: &Client,
    place: &ClusterPlace,
    name: &str,
) -> kube::Result<Option<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let found = limited(api::<K>(client, place).get_opt(name)).await?;
    Ok(found.filter(|object| is_own(object, place)))
}

/// All objects of a kind that bear the cluster's label.
pub(super) async fn all<K>(client: &Client, place: &ClusterPlace) -> kube::Result<Vec<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let params = ListParams::default().labels(&labels::selector_of_cluster(place));
    Ok(limited(api::<K>(client, place).list(&params)).await?.items)
}

pub(super) async fn namespace(
    client: &Client,
    place: &ClusterPlace,
) -> kube::Result<Option<Namespace>> {
    let found = limited(Api::<Namespace>::all(client.clone()).get_opt(&place.namespace)).await?;
    Ok(found.filter(|object| is_own(object, place)))
}

pub(super) fn api<K>(client: &Client, place: &ClusterPlace) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client.clone(), &place.namespace)
}

fn is_own<K: Resource>(object: &K, place: &ClusterPlace) -> bool {
    labels::owner(object.meta()) == Some(Owner::Cluster(place.cluster_id))
}
