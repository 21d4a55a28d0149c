use std::fmt::Debug;

use domain::clusters::{ClusterPlace, SearchPart};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, StatefulSet},
        core::v1::{Namespace, PersistentVolumeClaim, Pod, Service},
        policy::v1::PodDisruptionBudget,
    },
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde::de::DeserializeOwned;

use super::{
    find::{all, api, find, namespace},
    volumes,
};
use crate::{error, limit::limited, manifest::search::headless_name};

/// Deletes one part; absence is fine.
pub(crate) async fn remove(
    client: &Client,
    place: &ClusterPlace,
    part: SearchPart,
) -> kube::Result<()> {
    match part {
        SearchPart::StatefulSet => delete::<StatefulSet>(client, place, &place.name).await,
        SearchPart::Volumes => {
            for name in volumes::names(client, place).await? {
                delete::<PersistentVolumeClaim>(client, place, &name).await?;
            }
            Ok(())
        }
        SearchPart::DisruptionBudget => {
            delete::<PodDisruptionBudget>(client, place, &place.name).await
        }
        SearchPart::ClientService => delete::<Service>(client, place, &place.name).await,
        SearchPart::HeadlessService => {
            delete::<Service>(client, place, &headless_name(place)).await
        }
        SearchPart::Namespace => delete_namespace(client, place).await,
    }
}

/// What is left of a part, as `Kind name`.
pub(crate) async fn remains(
    client: &Client,
    place: &ClusterPlace,
    part: SearchPart,
) -> kube::Result<Vec<String>> {
    match part {
        SearchPart::StatefulSet => {
            let mut left = one::<StatefulSet>(client, place, &place.name).await?;
            // Last, because it is the StatefulSet that makes them.
            left.extend(all::<Pod>(client, place).await?.iter().map(shown));
            Ok(left)
        }
        SearchPart::Volumes => {
            let names = volumes::names(client, place).await?;
            Ok(names.into_iter().map(|name| format!("PersistentVolumeClaim {name}")).collect())
        }
        SearchPart::DisruptionBudget => {
            one::<PodDisruptionBudget>(client, place, &place.name).await
        }
        SearchPart::ClientService => one::<Service>(client, place, &place.name).await,
        SearchPart::HeadlessService => one::<Service>(client, place, &headless_name(place)).await,
        SearchPart::Namespace => {
            let own = namespace(client, place).await?;
            let shared = own.is_some() && is_shared(client, place).await?;
            Ok(own.iter().filter(|_| !shared).map(shown).collect())
        }
    }
}

/// Whether others run something in the namespace, which then stays.
async fn is_shared(client: &Client, place: &ClusterPlace) -> kube::Result<bool> {
    let any = ListParams::default().limit(1);
    let deployments = limited(api::<Deployment>(client, place).list(&any)).await?;
    let sets = limited(api::<StatefulSet>(client, place).list(&any)).await?;
    Ok(!deployments.items.is_empty() || !sets.items.is_empty())
}

async fn delete_namespace(client: &Client, place: &ClusterPlace) -> kube::Result<()> {
    let api = Api::<Namespace>::all(client.clone());
    match limited(api.delete(&place.namespace, &DeleteParams::background())).await {
        Err(error) if error::is_absent(&error) => Ok(()),
        other => other.map(drop),
    }
}

async fn delete<K>(client: &Client, place: &ClusterPlace, name: &str) -> kube::Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    let Some(object) = find::<K>(client, place, name).await? else { return Ok(()) };
    if object.meta().deletion_timestamp.is_some() {
        return Ok(());
    }
    match limited(api::<K>(client, place).delete(name, &DeleteParams::background())).await {
        Err(error) if error::is_absent(&error) => Ok(()),
        other => other.map(drop),
    }
}

async fn one<K>(client: &Client, place: &ClusterPlace, name: &str) -> kube::Result<Vec<String>>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + DeserializeOwned,
{
    Ok(find::<K>(client, place, name).await?.iter().map(shown).collect())
}

fn shown<K: Resource<DynamicType = ()>>(object: &K) -> String {
    format!("{} {}", K::kind(&()), object.name_any())
}
