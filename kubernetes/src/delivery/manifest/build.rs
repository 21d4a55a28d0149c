//! The container that builds an image: BuildKit without a daemon and without root. Nobody's text
//! comes into its script, and no credentials into its arguments.

use std::collections::BTreeMap;

use domain::delivery::{ImageBuild, Secrets, SshKey};
use k8s_openapi::{
    api::core::v1::{
        AppArmorProfile, Container, EmptyDirVolumeSource, EnvVar, ResourceRequirements,
        SeccompProfile, SecretVolumeSource, SecurityContext, Volume, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::registry::{basic, credentials};
use crate::manifest::{environment, literal};

/// The name of the volume, in which each credential is a file.
const CREDENTIALS: &str = "credentials";
const CREDENTIALS_PATH: &str = "/run/slipway";
const REGISTRY_FILE: &str = "config.json";
const GIT_FILE: &str = "git-auth-header";
const GIT_KEY_FILE: &str = "git-ssh-key";
/// What BuildKit makes on the way. The image's own volume for it does not work everywhere.
const STATE: &str = "state";
const STATE_PATH: &str = "/home/user/.local/share/buildkit";
/// The only one that the image is made for.
const USER: i64 = 1000;

/// The metadata, with the digest in it, become the container's message.
const SCRIPT: &str = "buildctl-daemonless.sh build \"$@\" --metadata-file /tmp/metadata.json \
                      && cat /tmp/metadata.json > /dev/termination-log";

pub(super) fn container(build: &ImageBuild, secrets: &Secrets, builder: &str) -> Container {
    let mut mounts = vec![mount(STATE, STATE_PATH)];
    if files(build, secrets).is_some() {
        let read_only = Some(true);
        mounts.push(VolumeMount { read_only, ..mount(CREDENTIALS, CREDENTIALS_PATH) });
    }
    Container {
        image: Some(builder.to_owned()),
        command: Some(["/bin/sh", "-c", SCRIPT, "build"].map(str::to_owned).into()),
        args: Some(arguments(build, secrets).iter().map(|it| literal(it)).collect()),
        env: variables(secrets),
        resources: Some(ResourceRequirements {
            requests: Some(BTreeMap::from([
                ("cpu".to_owned(), Quantity("250m".to_owned())),
                ("memory".to_owned(), Quantity("512Mi".to_owned())),
            ])),
            ..ResourceRequirements::default()
        }),
        security_context: Some(rootless()),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

/// `secret` is the Secret of the credentials.
pub(super) fn volumes(build: &ImageBuild, secrets: &Secrets, secret: &str) -> Vec<Volume> {
    let state = Volume {
        name: STATE.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource::default()),
        ..Volume::default()
    };
    let credentials = files(build, secrets).map(|_| Volume {
        name: CREDENTIALS.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    });
    [state].into_iter().chain(credentials).collect()
}

/// The credentials, each a file; `None` where there are none.
pub(super) fn files(build: &ImageBuild, secrets: &Secrets) -> Option<Vec<(&'static str, Vec<u8>)>> {
    let tags = build.tags.iter().map(String::as_str);
    let registry = secrets.registry.as_ref();
    let registry = registry.map(|login| (REGISTRY_FILE, credentials(login, tags)));
    let git = match build.is_reached_by_ssh() {
        true => {
            secrets.git_key.as_ref().map(|SshKey(key)| (GIT_KEY_FILE, key.clone().into_bytes()))
        }
        false => {
            let header = |login| format!("basic {}", basic(login)).into_bytes();
            secrets.git.as_ref().map(|login| (GIT_FILE, header(login)))
        }
    };
    Some(registry.into_iter().chain(git).collect()).filter(|files: &Vec<_>| !files.is_empty())
}

fn arguments(build: &ImageBuild, secrets: &Secrets) -> Vec<String> {
    let mut options = vec![context(build), format!("filename={}", build.dockerfile)];
    let build_args = build.build_args.iter();
    options.extend(build_args.map(|(name, value)| format!("build-arg:{name}={value}")));
    let mut all =
        ["--progress", "plain", "--frontend", "dockerfile.v0"].map(str::to_owned).to_vec();
    all.extend(options.into_iter().flat_map(|option| ["--opt".to_owned(), option]));
    all.extend(git_access(build, secrets).into_iter().flatten());
    let output = format!("type=image,\"name={}\",push=true", build.tags.join(","));
    all.extend(["--output".to_owned(), output]);
    all
}

fn git_access(build: &ImageBuild, secrets: &Secrets) -> Option<[String; 2]> {
    if build.is_reached_by_ssh() {
        let key = format!("default={CREDENTIALS_PATH}/{GIT_KEY_FILE}");
        return secrets.git_key.as_ref().map(|_| ["--ssh".to_owned(), key]);
    }
    let host = host(&build.repository).filter(|_| secrets.git.is_some())?;
    // With the host in its name it is shown to no other.
    let secret = format!("id=GIT_AUTH_HEADER.{host},src={CREDENTIALS_PATH}/{GIT_FILE}");
    Some(["--secret".to_owned(), secret])
}

/// The commit, and the folder in it. BuildKit takes an address for a repository by its end, and
/// a shortened hash only beside a tag, which must then be of that commit.
fn context(build: &ImageBuild) -> String {
    let ImageBuild { repository, git_tag, commit, .. } = build;
    let by_http = repository.starts_with("https://") || repository.starts_with("http://");
    let repository = repository.trim_end_matches('/');
    let end = if by_http && !repository.ends_with(".git") { ".git" } else { "" };
    let folder = match build.context.trim_start_matches("./").trim_matches('/') {
        "" | "." => None,
        folder => Some(folder),
    };
    let is_whole = matches!(commit.len(), 40 | 64);
    let place = if is_whole {
        format!("#{commit}{}", folder.map(|folder| format!(":{folder}")).unwrap_or_default())
    } else {
        let tag = query_value(git_tag);
        let folder = folder.map(|folder| format!("&subdir={}", query_value(folder)));
        format!("?tag={tag}&checksum={commit}{}", folder.unwrap_or_default())
    };
    format!("context={repository}{end}{place}")
}

fn query_value(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'/' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// With its port, where the address names one.
fn host(repository: &str) -> Option<String> {
    let uri: http::Uri = repository.parse().ok()?;
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    uri.host().map(|host| format!("{host}{port}"))
}

fn variables(secrets: &Secrets) -> Option<Vec<EnvVar>> {
    // The sandbox of a process would take rights that the pod does not have.
    let mut variables = vec![("BUILDKITD_FLAGS", "--oci-worker-no-process-sandbox")];
    if secrets.registry.is_some() {
        variables.push(("DOCKER_CONFIG", CREDENTIALS_PATH));
    }
    environment(variables)
}

/// User namespaces need calls that the usual profiles refuse, and helpers that raise their rights.
fn rootless() -> SecurityContext {
    SecurityContext {
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        run_as_non_root: Some(true),
        seccomp_profile: Some(SeccompProfile {
            type_: "Unconfined".to_owned(),
            localhost_profile: None,
        }),
        app_armor_profile: Some(AppArmorProfile {
            type_: "Unconfined".to_owned(),
            localhost_profile: None,
        }),
        ..SecurityContext::default()
    }
}

fn mount(name: &str, path: &str) -> VolumeMount {
    VolumeMount { name: name.to_owned(), mount_path: path.to_owned(), ..VolumeMount::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn context_of(repository: &str, commit: &str, folder: &str) -> String {
        context(&ImageBuild {
            repository: repository.to_owned(),
            git_tag: "v1.0+b&c".to_owned(),
            commit: commit.to_owned(),
            dockerfile: "Dockerfile".to_owned(),
            context: folder.to_owned(),
            build_args: BTreeMap::new(),
            tags: Vec::new(),
        })
    }

    #[test]
    fn a_context_is_a_commit_and_a_folder_of_a_repository() {
        let cases = [
            ("https://git.example/a/b", "", "https://git.example/a/b.git", ""),
            ("https://git.example/a/b.git", ".", "https://git.example/a/b.git", ""),
            ("https://git.example/a/b/", "./", "https://git.example/a/b.git", ""),
            ("https://git.example/b.git", "x/y/", "https://git.example/b.git", ":x/y"),
            ("ssh://git@git.example/b", "./x", "ssh://git@git.example/b", ":x"),
        ];
        for (repository, folder, address, place) in cases {
            let expected = format!("context={address}#{WHOLE}{place}");
            assert_eq!(context_of(repository, WHOLE, folder), expected);
        }
    }

    #[test]
    fn a_shortened_hash_needs_its_tag() {
        let [root, folder] =
            ["", "x y"].map(|it| context_of("https://git.example/b", "c0ffee", it));

        let expected = "context=https://git.example/b.git?tag=v1.0%2Bb%26c&checksum=c0ffee";
        assert_eq!(root, expected);
        assert_eq!(folder, format!("{expected}&subdir=x%20y"));
    }

    #[test]
    fn a_login_is_for_the_repositorys_host() {
        let hosts = ["https://git.example/a", "https://ada@git.example:8443/a", "a/b"].map(host);

        assert_eq!(hosts, [Some("git.example".into()), Some("git.example:8443".into()), None]);
    }
}
