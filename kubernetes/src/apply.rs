use std::fmt::Debug;

use domain::{
    runtime::{Part, Workload},
    secrets::SecretValues,
};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{conventions::Conventions, drift::noted, error, limit::limited, manifest};

pub(crate) const FIELD_MANAGER: &str = "slipway";

/// Applies one object; where its namespace is absent, that first.
pub(crate) async fn apply(
    client: &Client,
    workload: &Workload,
    part: Part,
    conventions: &Conventions,
) -> kube::Result<()> {
    let put = || put(client, workload, part, conventions);
    match part {
        Part::Namespace => put().await,
        _ => inside_namespace(client, &workload.place.namespace, put).await,
    }
}

pub(crate) async fn apply_secret(
    client: &Client,
    workload: &Workload,
    values: &SecretValues,
) -> kube::Result<()> {
    let secret = manifest::secret(workload, values);
    let namespace = &workload.place.namespace;
    inside_namespace(client, namespace, || patch_inside(client, namespace, &secret)).await.map(drop)
}

/// Where the namespace is absent, applies that and tries once more.
pub(crate) async fn inside_namespace<T, F>(
    client: &Client,
    namespace: &str,
    put_object: impl Fn() -> F,
) -> kube::Result<T>
where
    F: Future<Output = kube::Result<T>>,
{
    match put_object().await {
        Err(error) if error::lacks_namespace(&error) => {
            put_namespace(client, namespace).await?;
            put_object().await
        }
        other => other,
    }
}

async fn put(
    client: &Client,
    workload: &Workload,
    part: Part,
    conventions: &Conventions,
) -> kube::Result<()> {
    let namespace = &workload.place.namespace;
    match part {
        Part::Namespace => put_namespace(client, namespace).await,
        Part::Deployment => {
            let deployment = noted(manifest::deployment(workload, conventions));
            patch_inside(client, namespace, &deployment).await.map(drop)
        }
        Part::Service => {
            let service = noted(manifest::service(workload));
            patch_inside(client, namespace, &service).await.map(drop)
        }
        Part::Ingress => {
            let ingress = noted(manifest::ingress(workload, conventions));
            patch_inside(client, namespace, &ingress).await.map(drop)
        }
    }
}

async fn put_namespace(client: &Client, name: &str) -> kube::Result<()> {
    patch(&Api::all(client.clone()), &manifest::namespace(name)).await.map(drop)
}

/// Applies one object of ours in a namespace that is there.
pub(crate) async fn patch_inside<K>(client: &Client, namespace: &str, object: &K) -> kube::Result<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    patch(&Api::namespaced(client.clone(), namespace), object).await
}

/// Takes over fields that others set: the objects are ours alone.
pub(crate) async fn patch<K>(api: &Api<K>, object: &K) -> kube::Result<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = object.meta().name.as_deref().unwrap_or_default();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    limited(api.patch(name, &params, &Patch::Apply(object))).await
}
