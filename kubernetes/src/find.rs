//! Reading a workload's objects. Names come free and are used again, so an object is a workload's
//! own only while it does not bear the label of another instance.

use std::fmt::Debug;

use domain::runtime::Place;
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Pod};
use kube::{Api, Client, Resource, api::ListParams};
use serde::de::DeserializeOwned;

use crate::{labels, limit::limited};

/// The workload's object of one kind, if it stands.
pub(crate) async fn find<K>(client: &Client, place: &Place) -> kube::Result<Option<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let api = Api::<K>::namespaced(client.clone(), &place.namespace);
    let found = limited(api.get_opt(&place.name)).await?;
    let another = |id| id != place.instance_id;
    Ok(found.filter(|object| !labels::instance_id(object.meta()).is_some_and(another)))
}

/// All pods of an instance, those on their way out included.
pub(crate) async fn pods(client: &Client, place: &Place) -> kube::Result<Vec<Pod>> {
    list(client, &place.namespace, &labels::selector(place)).await
}

/// All objects of one kind that a selector of labels finds.
pub(crate) async fn list<K>(
    client: &Client,
    namespace: &str,
    selector: &str,
) -> kube::Result<Vec<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let api = Api::<K>::namespaced(client.clone(), namespace);
    Ok(limited(api.list(&ListParams::default().labels(selector))).await?.items)
}
