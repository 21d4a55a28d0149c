//! Reading an application's objects. Names are people's, so an object of the right name may be
//! somebody else's.

use std::fmt::Debug;

use domain::{
    delivery::Place,
    error::{Error, Result},
};
use k8s_openapi::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use super::labels;
use crate::{error, limit::limited};

/// The application's own object of that name.
pub(super) async fn own<K>(client: &Client, place: &Place, name: &str) -> Result<Option<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let found = any::<K>(client, &place.namespace, name).await.map_err(error::cluster)?;
    Ok(found.filter(|object| labels::is_of(object.meta(), place)))
}

/// The same, before an object of that name is written: one of somebody else's is in the way.
pub(super) async fn free<K>(client: &Client, place: &Place, name: &str) -> Result<Option<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let Place { namespace, application, .. } = place;
    let found = any::<K>(client, namespace, name).await.map_err(error::cluster)?;
    match found {
        Some(object) if !labels::is_of(object.meta(), place) => Err(Error::Forbidden(format!(
            "{} {name} in {namespace} is there already and is not {application}'s",
            K::kind(&()),
        ))),
        found => Ok(found),
    }
}

/// An object of that name, whosever it is.
pub(super) async fn any<K>(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<K>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    limited(Api::<K>::namespaced(client.clone(), namespace).get_opt(name)).await
}
