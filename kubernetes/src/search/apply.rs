use domain::clusters::{SearchPart, SearchWorkload};
use kube::{Api, Client};

use crate::{apply::patch, conventions::Conventions, error, manifest::search};

/// Applies one object; where its namespace is absent, that first.
pub(crate) async fn apply(
    client: &Client,
    workload: &SearchWorkload,
    part: SearchPart,
    conventions: &Conventions,
) -> kube::Result<()> {
    match put(client, workload, part, conventions).await {
        Err(error) if error::lacks_namespace(&error) => {
            put(client, workload, SearchPart::Namespace, conventions).await?;
            put(client, workload, part, conventions).await
        }
        other => other,
    }
}

async fn put(
    client: &Client,
    workload: &SearchWorkload,
    part: SearchPart,
    conventions: &Conventions,
) -> kube::Result<()> {
    let (client, namespace) = (client.clone(), &workload.place.namespace);
    match part {
        SearchPart::Namespace => {
            patch(&Api::all(client), &search::namespace(workload)).await.map(drop)
        }
        SearchPart::HeadlessService => {
            let service = search::headless_service(workload);
            patch(&Api::namespaced(client, namespace), &service).await.map(drop)
        }
        SearchPart::ClientService => {
            let service = search::client_service(workload);
            patch(&Api::namespaced(client, namespace), &service).await.map(drop)
        }
        SearchPart::DisruptionBudget => {
            patch(&Api::namespaced(client, namespace), &search::budget(workload)).await.map(drop)
        }
        SearchPart::StatefulSet => {
            let set = search::stateful_set(workload, conventions);
            patch(&Api::namespaced(client, namespace), &set).await.map(drop)
        }
        // The StatefulSet makes them.
        SearchPart::Volumes => Ok(()),
    }
}
