use domain::{
    delivery::{Job, JobName, Place, Secrets},
    error::{Error, Result},
    ids::DeploymentId,
};
use k8s_openapi::api::{
    batch::v1,
    core::v1::{Pod, Secret},
};
use kube::{Client, Resource, ResourceExt};

use super::{find, job_state, labels, manifest};
use crate::{
    apply::{inside_namespace, patch_inside},
    error,
    find::list,
    remove::delete_this,
};

/// The Job before its Secrets: it owns them, and its pod waits for them.
pub(super) async fn start(
    client: &Client,
    job: &Job,
    secrets: &Secrets,
    builder: &str,
) -> Result<()> {
    let JobName { namespace, name } = &job.name;
    let place = Place { namespace: namespace.clone(), ..job.place.clone() };
    let secrets_of_job = manifest::job_secrets(job, secrets);
    for secret in &secrets_of_job {
        find::free::<Secret>(client, &place, &secret.name_any()).await?;
    }
    let standing = match find::free::<v1::Job>(client, &place, name).await? {
        Some(job) if is_leaving(&job) => {
            let why = format!("Job {name} is being deleted");
            return Err(Error::unavailable("the name of the Job", why));
        }
        Some(job) => job,
        None => {
            let wanted = manifest::job(job, secrets, builder);
            let put = || patch_inside(client, namespace, &wanted);
            inside_namespace(client, namespace, put).await.map_err(error::cluster)?
        }
    };
    for mut secret in secrets_of_job {
        secret.metadata.owner_references = standing.owner_ref(&()).map(|owner| vec![owner]);
        patch_inside(client, namespace, &secret).await.map_err(error::cluster)?;
    }
    Ok(())
}

/// Deletes what is there of them; whether nothing of them is at work any more.
pub(super) async fn remove(
    client: &Client,
    place: &Place,
    deployment: DeploymentId,
) -> kube::Result<bool> {
    let selector = labels::jobs_of(place, deployment);
    let jobs = list::<v1::Job>(client, &place.namespace, &selector).await?;
    for job in jobs.iter().filter(|job| !is_leaving(*job)) {
        delete_this(client, job).await?;
    }
    if !jobs.iter().all(job_state::is_over) {
        return Ok(false);
    }
    let pods = list::<Pod>(client, &place.namespace, &selector).await?;
    Ok(!pods.iter().any(|pod| is_of_a_job(pod) && !has_ended(pod)))
}

/// Such a pod does nothing any more, and goes with its Job.
pub(super) fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// Pods of releases bear the deployment's label too.
pub(super) fn is_of_a_job(pod: &Pod) -> bool {
    pod.owner_references().iter().any(|owner| owner.kind == v1::Job::kind(&()))
}

pub(super) fn is_leaving<K: Resource>(object: &K) -> bool {
    object.meta().deletion_timestamp.is_some()
}
