use domain::{
    delivery::{Place, Release, ReleaseRollout, Secrets, Slot},
    error::Result,
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Secret},
};
use kube::{Client, ResourceExt};

use super::{find, jobs::is_leaving, labels, manifest};
use crate::{
    apply::{inside_namespace, patch_inside},
    error,
    find::list,
    remove::delete_this,
    rollout,
};

/// The Secrets that the pods need before them, those that none needs any more after them.
pub(super) async fn apply(client: &Client, release: &Release, secrets: &Secrets) -> Result<()> {
    let Release { place, slot, .. } = release;
    let namespace = &place.namespace;
    find::free::<Deployment>(client, place, &manifest::release_name(place, *slot)).await?;
    let needed = manifest::release_secrets(release, secrets);
    for secret in &needed {
        find::free::<Secret>(client, place, &secret.name_any()).await?;
        let put = || patch_inside(client, namespace, secret);
        inside_namespace(client, namespace, put).await.map_err(error::cluster)?;
    }
    let deployment = manifest::release(release, secrets);
    let put = || patch_inside(client, namespace, &deployment);
    inside_namespace(client, namespace, put).await.map_err(error::cluster)?;
    for name in manifest::secret_names(place, *slot) {
        if needed.iter().all(|secret| secret.name_any() != name) {
            remove_secret(client, place, &name).await?;
        }
    }
    Ok(())
}

pub(super) async fn progress(
    client: &Client,
    place: &Place,
    slot: Slot,
) -> Result<Option<ReleaseRollout>> {
    let name = manifest::release_name(place, slot);
    let Some(deployment) = find::own::<Deployment>(client, place, &name).await? else {
        return Ok(None);
    };
    let pods = match rollout::needs_pods(&deployment) {
        true => pods(client, place, slot).await?,
        false => Vec::new(),
    };
    let seen = rollout::judge(&deployment, &pods);
    Ok(Some(ReleaseRollout {
        deployment_id: labels::deployment_id(&deployment.metadata),
        complete: seen.complete,
        ready: seen.ready,
        wanted: seen.wanted,
        trouble: seen.trouble,
    }))
}

/// Deletes what is there; whether nothing is left.
pub(super) async fn remove(client: &Client, place: &Place, slot: Slot) -> Result<bool> {
    let name = manifest::release_name(place, slot);
    let standing = find::own::<Deployment>(client, place, &name).await?;
    if let Some(deployment) = standing.as_ref().filter(|it| !is_leaving(*it)) {
        delete_this(client, deployment).await.map_err(error::cluster)?;
    }
    for name in manifest::secret_names(place, slot) {
        remove_secret(client, place, &name).await?;
    }
    Ok(standing.is_none() && pods(client, place, slot).await?.is_empty())
}

/// All pods of a slot, those on their way out included.
pub(super) async fn pods(client: &Client, place: &Place, slot: Slot) -> Result<Vec<Pod>> {
    let selector = labels::selector(&labels::of_slot(place, slot));
    list::<Pod>(client, &place.namespace, &selector).await.map_err(error::cluster)
}

async fn remove_secret(client: &Client, place: &Place, name: &str) -> Result<()> {
    match find::own::<Secret>(client, place, name).await? {
        Some(secret) => delete_this(client, &secret).await.map_err(error::cluster),
        None => Ok(()),
    }
}
