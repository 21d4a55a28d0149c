use domain::delivery::{Job, JobName, JobWork, Secrets};
use k8s_openapi::api::{
    batch::v1::{self, JobSpec},
    core::v1::{Container, PodTemplateSpec, Secret},
};
use kube::api::ObjectMeta;

use super::{
    build,
    meta::meta,
    pod,
    secret::{image_login, secret, variables},
    test,
};
use crate::delivery::labels;

/// How long it stays where nobody removes it.
const SECONDS_KEPT: i32 = 3600;

/// One try: whether there is another is for others to say.
pub(in super::super) fn job(job: &Job, secrets: &Secrets, builder: &str) -> v1::Job {
    v1::Job {
        metadata: metadata(job, &job.name.name),
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(job.limit.as_secs().max(1)),
            ttl_seconds_after_finished: Some(SECONDS_KEPT),
            template: template(job, secrets, builder),
            ..JobSpec::default()
        }),
        ..v1::Job::default()
    }
}

/// What the Job's pod does not start without.
pub(in super::super) fn job_secrets(job: &Job, secrets: &Secrets) -> Vec<Secret> {
    let own = metadata(job, &job.name.name);
    match &job.work {
        JobWork::Build(build) => {
            let files = build::files(build, secrets);
            files.map(|files| secret(own, "Opaque", files)).into_iter().collect()
        }
        JobWork::Test { image, .. } => {
            let environment = secrets.environment.as_ref().map(|values| variables(own, values));
            let registry = secrets.registry.as_ref();
            let login = metadata(job, &image_secret(&job.name));
            let registry = registry.map(|it| image_login(login, it, image));
            environment.into_iter().chain(registry).collect()
        }
    }
}

fn template(job: &Job, secrets: &Secrets, builder: &str) -> PodTemplateSpec {
    let own = &job.name.name;
    let (name, container, volumes, login) = match &job.work {
        JobWork::Build(build) => {
            let volumes = build::volumes(build, secrets, own);
            ("build", build::container(build, secrets, builder), Some(volumes), None)
        }
        JobWork::Test { image, command, environment } => {
            let container = test::container(image, command, environment, secrets, own);
            let login = secrets.registry.as_ref().map(|_| image_secret(&job.name));
            ("test", container, None, login)
        }
    };
    let container = Container {
        name: name.to_owned(),
        // Where it leaves no message, the end of its log tells why it failed.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..container
    };
    let labels = labels::of_deployment(&job.place, job.deployment_id);
    let mut template = pod::template(labels, container, login);
    if let Some(spec) = &mut template.spec {
        spec.restart_policy = Some("Never".to_owned());
        spec.volumes = volumes;
    }
    template
}

fn image_secret(job: &JobName) -> String {
    format!("{}-registry", job.name)
}

fn metadata(job: &Job, name: &str) -> ObjectMeta {
    let labels = labels::of_deployment(&job.place, job.deployment_id);
    meta(&job.name.namespace, name, labels)
}
