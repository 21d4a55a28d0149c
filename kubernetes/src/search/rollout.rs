use domain::{clusters::ClusterPlace, runtime::Rollout};
use k8s_openapi::api::{apps::v1::StatefulSet, core::v1::Pod};
use kube::Client;

use super::find::{all, find};
use crate::rollout::worst;

/// The pods are read only where they can tell more.
pub(crate) async fn rollout(
    client: &Client,
    place: &ClusterPlace,
) -> kube::Result<Option<Rollout>> {
    let Some(set) = find::<StatefulSet>(client, place, &place.name).await? else {
        return Ok(None);
    };
    let wanted = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = set.status.clone().unwrap_or_default();
    let ready = status.ready_replicas.unwrap_or(0);
    let complete = status.observed_generation >= set.metadata.generation
        && status.replicas == wanted
        && status.updated_replicas.unwrap_or(0) == wanted
        && status.available_replicas.unwrap_or(ready) >= wanted
        && ready >= wanted;
    let trouble = match complete {
        true => None,
        false => worst(&all::<Pod>(client, place).await?),
    };
    Ok(Some(Rollout { complete, ready, wanted, trouble }))
}
