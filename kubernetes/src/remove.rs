use std::fmt::Debug;

use domain::runtime::Place;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{Secret, Service},
        networking::v1::Ingress,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Preconditions},
};
use serde::de::DeserializeOwned;

use crate::{
    error,
    find::{find, pods},
    limit::limited,
};

/// Traffic first, then what served it.
pub(crate) async fn remove(client: &Client, place: &Place) -> kube::Result<()> {
    delete::<Ingress>(client, place).await?;
    delete::<Service>(client, place).await?;
    delete::<Deployment>(client, place).await?;
    remove_secret(client, place).await
}

pub(crate) async fn remove_secret(client: &Client, place: &Place) -> kube::Result<()> {
    delete::<Secret>(client, place).await
}

/// As `Kind name`.
pub(crate) async fn remains(client: &Client, place: &Place) -> kube::Result<Vec<String>> {
    let (deployment, secret, service, ingress) = futures::try_join!(
        find::<Deployment>(client, place),
        find::<Secret>(client, place),
        find::<Service>(client, place),
        find::<Ingress>(client, place),
    )?;
    // Last, because it is the Deployment that makes them.
    let pods = pods(client, place).await?;
    let mut left = Vec::new();
    left.extend(deployment.as_ref().map(shown));
    left.extend(secret.as_ref().map(shown));
    left.extend(service.as_ref().map(shown));
    left.extend(ingress.as_ref().map(shown));
    left.extend(pods.iter().map(shown));
    Ok(left)
}

async fn delete<K>(client: &Client, place: &Place) -> kube::Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    match find::<K>(client, place).await? {
        Some(object) => delete_this(client, &object).await,
        None => Ok(()),
    }
}

/// Deletes an object, and no other one that has got its name meanwhile.
pub(crate) async fn delete_this<K>(client: &Client, object: &K) -> kube::Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let this_one = Preconditions { uid: object.uid(), resource_version: None };
    let params = DeleteParams::background().preconditions(this_one);
    let namespace = object.namespace().unwrap_or_default();
    let api = Api::<K>::namespaced(client.clone(), &namespace);
    match limited(api.delete(&object.name_any(), &params)).await {
        Err(error) if error::is_absent(&error) => Ok(()),
        other => other.map(drop),
    }
}

fn shown<K: Resource<DynamicType = ()>>(object: &K) -> String {
    format!("{} {}", K::kind(&()), object.name_any())
}
