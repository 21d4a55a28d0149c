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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::delivery::ImageBuild;
    use serde_json::{Value, json};

    use super::{super::sample, *};

    fn build() -> Job {
        let build = ImageBuild {
            repository: "https://git.example/acme/api".to_owned(),
            git_tag: "v1".to_owned(),
            commit: "c0ffee".to_owned(),
            dockerfile: "Dockerfile".to_owned(),
            context: ".".to_owned(),
            build_args: BTreeMap::from([("HOME".to_owned(), "$(HOME) $$ `id`".to_owned())]),
            tags: vec!["registry.example/api:v1".to_owned(), "registry.example/api:c0".to_owned()],
        };
        sample::job("build-1", JobWork::Build(build))
    }

    fn test() -> Job {
        let work = JobWork::Test {
            image: "registry.example/api@sha256:ab".to_owned(),
            command: "make test NAME=$(hostname)".to_owned(),
            environment: BTreeMap::from([("MODE".to_owned(), "test".to_owned())]),
        };
        sample::job("test-1", work)
    }

    fn manifest(wanted: &Job, secrets: &Secrets) -> Value {
        json!(job(wanted, secrets, "moby/buildkit:rootless"))
    }

    fn pod(wanted: &Job, secrets: &Secrets) -> Value {
        manifest(wanted, secrets)["spec"]["template"]["spec"].take()
    }

    #[test]
    fn a_job_is_one_try_in_its_time_and_does_not_stay() {
        let mut job = manifest(&test(), &Secrets::default());

        let pod = job["spec"]["template"]["spec"].take();

        assert_eq!(
            job,
            json!({
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": "test-1",
                    "namespace": "slipway-acme-prod",
                    "labels": sample::labels(),
                },
                "spec": {
                    "backoffLimit": 0,
                    "activeDeadlineSeconds": 600,
                    "ttlSecondsAfterFinished": 3600,
                    "template": { "metadata": { "labels": sample::labels() }, "spec": null },
                },
            })
        );
        assert_eq!(
            pod,
            json!({
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "restartPolicy": "Never",
                "securityContext": { "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": "test",
                    "image": "registry.example/api@sha256:ab",
                    "command": ["/bin/sh", "-c"],
                    "args": ["make test NAME=$$(hostname)"],
                    "env": [{ "name": "MODE", "value": "test" }],
                    "securityContext": { "allowPrivilegeEscalation": false },
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                }],
            })
        );
    }

    #[test]
    fn a_build_is_rootless_and_takes_its_arguments_literally() {
        assert_eq!(
            pod(&build(), &Secrets::default()),
            json!({
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "restartPolicy": "Never",
                "securityContext": { "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": "build",
                    "image": "moby/buildkit:rootless",
                    "command": [
                        "/bin/sh", "-c",
                        "buildctl-daemonless.sh build \"$@\" --metadata-file /tmp/metadata.json \
                         && cat /tmp/metadata.json > /dev/termination-log",
                        "build",
                    ],
                    "args": [
                        "--progress", "plain",
                        "--frontend", "dockerfile.v0",
                        "--opt", "context=https://git.example/acme/api.git?tag=v1&checksum=c0ffee",
                        "--opt", "filename=Dockerfile",
                        "--opt", "build-arg:HOME=$$(HOME) $$$$ `id`",
                        "--output",
                        "type=image,\"name=registry.example/api:v1,registry.example/api:c0\",push=true",
                    ],
                    "env": [{
                        "name": "BUILDKITD_FLAGS", "value": "--oci-worker-no-process-sandbox",
                    }],
                    "resources": { "requests": { "cpu": "250m", "memory": "512Mi" } },
                    "securityContext": {
                        "runAsUser": 1000, "runAsGroup": 1000, "runAsNonRoot": true,
                        "seccompProfile": { "type": "Unconfined" },
                        "appArmorProfile": { "type": "Unconfined" },
                    },
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    "volumeMounts": [
                        { "name": "state", "mountPath": "/home/user/.local/share/buildkit" },
                    ],
                }],
                "volumes": [{ "name": "state", "emptyDir": {} }],
            })
        );
    }

    #[test]
    fn a_builds_credentials_are_files_for_the_builder_alone() {
        let pod = pod(&build(), &sample::secrets());
        let container = &pod["containers"][0];

        assert_eq!(
            pod["volumes"][1],
            json!({ "name": "credentials", "secret": { "secretName": "build-1" } })
        );
        assert_eq!(
            container["volumeMounts"][1],
            json!({ "name": "credentials", "mountPath": "/run/slipway", "readOnly": true })
        );
        assert_eq!(
            container["env"][1],
            json!({ "name": "DOCKER_CONFIG", "value": "/run/slipway" })
        );
        let given = container["args"].as_array().unwrap();
        let secret = "id=GIT_AUTH_HEADER.git.example,src=/run/slipway/git-auth-header";
        assert!(given.contains(&json!(secret)), "{given:?}");
        assert_eq!((&pod["imagePullSecrets"], &container["envFrom"]), (&json!(null), &json!(null)));
        let secrets = job_secrets(&build(), &sample::secrets());
        assert_eq!(
            json!(secrets),
            json!([{
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {
                    "name": "build-1",
                    "namespace": "slipway-acme-prod",
                    "labels": sample::labels(),
                },
                "type": "Opaque",
                "data": {
                    "config.json": json!(secrets[0].data.as_ref().unwrap()["config.json"]),
                    // basic Z2l0OnMzY3JldA==, which is git:s3cret
                    "git-auth-header": "YmFzaWMgWjJsME9uTXpZM0psZEE9PQ==",
                },
            }])
        );
    }

    #[test]
    fn a_repository_that_is_reached_by_ssh_takes_the_key_alone() {
        let mut build = build();
        let JobWork::Build(image) = &mut build.work else { unreachable!() };
        image.repository = "ssh://git@git.example/acme/api".to_owned();

        let pod = pod(&build, &sample::secrets());
        let secret = json!(job_secrets(&build, &sample::secrets()))[0]["data"].take();

        let given = json!(pod["containers"][0]["args"]).to_string();
        assert!(given.contains(r#""--ssh","default=/run/slipway/git-ssh-key""#), "{given}");
        assert!(!given.contains("GIT_AUTH_HEADER"), "{given}");
        assert_eq!(
            (&secret["git-ssh-key"], &secret["git-auth-header"]),
            (&json!("azN5"), &json!(null))
        );
    }

    #[test]
    fn a_test_gets_the_applications_variables_and_its_node_the_registrys_login() {
        let pod = pod(&test(), &sample::secrets());
        let secrets = json!(job_secrets(&test(), &sample::secrets()));

        assert_eq!(
            pod["containers"][0]["envFrom"],
            json!([{ "secretRef": { "name": "test-1", "optional": false } }])
        );
        assert_eq!(pod["imagePullSecrets"], json!([{ "name": "test-1-registry" }]));
        assert_eq!(secrets[0]["data"], json!({ "TOKEN": "dDBrZW4=" }));
        assert_eq!(secrets[1]["type"], "kubernetes.io/dockerconfigjson");
    }
}
