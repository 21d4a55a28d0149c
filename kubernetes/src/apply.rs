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

const FIELD_MANAGER: &str = "slipway";

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
        _ => inside_namespace(client, workload, put).await,
    }
}

pub(crate) async fn apply_secret(
    client: &Client,
    workload: &Workload,
    values: &SecretValues,
) -> kube::Result<()> {
    let secret = manifest::secret(workload, values);
    inside_namespace(client, workload, || put_inside(client, workload, &secret)).await
}

/// Where the namespace is absent, applies that and tries once more.
async fn inside_namespace<F>(
    client: &Client,
    workload: &Workload,
    put_object: impl Fn() -> F,
) -> kube::Result<()>
where
    F: Future<Output = kube::Result<()>>,
{
    match put_object().await {
        Err(error) if error::lacks_namespace(&error) => {
            put_namespace(client, workload).await?;
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
    match part {
        Part::Namespace => put_namespace(client, workload).await,
        Part::Deployment => {
            let deployment = manifest::deployment(workload, conventions);
            put_inside(client, workload, &noted(deployment)).await
        }
        Part::Service => put_inside(client, workload, &noted(manifest::service(workload))).await,
        Part::Ingress => {
            let ingress = manifest::ingress(workload, conventions);
            put_inside(client, workload, &noted(ingress)).await
        }
    }
}

async fn put_namespace(client: &Client, workload: &Workload) -> kube::Result<()> {
    patch(&Api::all(client.clone()), &manifest::namespace(workload)).await
}

async fn put_inside<K>(client: &Client, workload: &Workload, object: &K) -> kube::Result<()>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    patch(&Api::namespaced(client.clone(), &workload.place.namespace), object).await
}

/// Takes over fields that others set: the objects are ours alone.
async fn patch<K>(api: &Api<K>, object: &K) -> kube::Result<()>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned,
{
    let name = object.meta().name.as_deref().unwrap_or_default();
    let params = PatchParams::apply(FIELD_MANAGER).force();
    limited(api.patch(name, &params, &Patch::Apply(object))).await.map(drop)
}
