use std::collections::BTreeMap;

use domain::{
    delivery::{
        Job, JobName, JobState, JobWork, Place, Probe, ProbeAnswer, Release, Route, Secrets, Slot,
    },
    ids::{ApplicationId, DeploymentId, EnvironmentId},
};
use jiff::SignedDuration;

use super::{Images, Slipway, slipway::until};

/// Where the good image listens, as web servers do.
const PORT: u16 = 80;

pub async fn is_tested_and_released(slipway: &Slipway, images: &Images) {
    let place = Place {
        namespace: slipway.applications(),
        application: "api".to_owned(),
        application_id: ApplicationId::fresh(),
        environment_id: EnvironmentId::fresh(),
    };
    let deployment = DeploymentId::fresh();

    let log = tested(slipway, &place, deployment, &images.good).await;
    let (routed, answer) = released(slipway, &place, deployment, &images.good).await;
    let site = &slipway.site;
    site.remove_route(&place).await.unwrap();
    let gone = async || {
        let jobs = site.remove_jobs(&place, deployment).await.unwrap();
        let release = site.remove_release(&place, Slot::Blue).await.unwrap();
        if jobs && release { Ok(()) } else { Err(format!("jobs: {jobs}, release: {release}")) }
    };
    until("gone", gone).await;

    assert_eq!(log, ["tested"]);
    assert_eq!(routed, Some(Slot::Blue));
    assert_eq!(answer, ProbeAnswer::Status(200));
}

/// What a Job has written that tests the image.
async fn tested(
    slipway: &Slipway,
    place: &Place,
    deployment_id: DeploymentId,
    image: &str,
) -> Vec<String> {
    let command = "echo tested".to_owned();
    let job = Job {
        name: JobName { namespace: place.namespace.clone(), name: "api-test".to_owned() },
        place: place.clone(),
        deployment_id,
        limit: SignedDuration::from_mins(3),
        work: JobWork::Test { image: image.to_owned(), command, environment: BTreeMap::new() },
    };
    slipway.site.start_job(&job, &Secrets::default()).await.unwrap();
    let over = async || match slipway.site.job(&job.name).await.unwrap() {
        Some(JobState::Succeeded { .. }) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until("over", over).await;
    let lines = slipway.site.job_log(&job.name, None).await.unwrap().lines;
    lines.into_iter().map(|line| line.text).collect()
}

/// Where the traffic goes, and what a release answers.
async fn released(
    slipway: &Slipway,
    place: &Place,
    deployment_id: DeploymentId,
    image: &str,
) -> (Option<Slot>, ProbeAnswer) {
    let (site, slot) = (&slipway.site, Slot::Blue);
    let release = Release {
        place: place.clone(),
        slot,
        deployment_id,
        image: image.to_owned(),
        port: PORT,
        replicas: 1,
        max_unavailable: 0,
        environment: BTreeMap::new(),
    };
    site.apply_release(&release, &Secrets::default()).await.unwrap();
    let complete = async || match site.rollout(place, slot).await.unwrap() {
        Some(rollout) if rollout.complete => Ok(()),
        other => Err(format!("{other:?}")),
    };
    until("complete", complete).await;
    site.route(&Route { place: place.clone(), slot }).await.unwrap();
    let (path, timeout) = ("/".to_owned(), SignedDuration::from_secs(5));
    let probe = Probe { place: place.clone(), slot, port: PORT, path, timeout };
    (site.routed(place).await.unwrap(), site.probe(&probe).await.unwrap())
}
