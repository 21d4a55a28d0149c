use domain::clusters::{ClusterPlace, SearchWorkload};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::find::{all, api};
use crate::{apply::FIELD_MANAGER, limit::limited};

/// Asks for the size that all shall have, where a claim asks for another; answers with their names.
pub(crate) async fn expand(
    client: &Client,
    workload: &SearchWorkload,
) -> kube::Result<Vec<String>> {
    let (place, size) = (&workload.place, &workload.resources.disk_size);
    let claims: Api<PersistentVolumeClaim> = api(client, place);
    let mut expanded = Vec::new();
    for claim in all::<PersistentVolumeClaim>(client, place).await? {
        if asked(&claim).as_ref() == Some(size) {
            continue;
        }
        let name = claim.name_any();
        let change = json!({ "spec": { "resources": { "requests": { "storage": size } } } });
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        limited(claims.patch(&name, &params, &Patch::Merge(&change))).await?;
        expanded.push(name);
    }
    Ok(expanded)
}

fn asked(claim: &PersistentVolumeClaim) -> Option<String> {
    let resources = claim.spec.as_ref()?.resources.as_ref()?;
    resources.requests.as_ref()?.get("storage").map(|size| size.0.clone())
}

/// Those that stand, by name.
pub(super) async fn names(client: &Client, place: &ClusterPlace) -> kube::Result<Vec<String>> {
    let claims = all::<PersistentVolumeClaim>(client, place).await?;
    Ok(claims.iter().map(ResourceExt::name_any).collect())
}
