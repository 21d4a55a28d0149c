use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    delivery::{
        ImageBuild, Job, JobName, JobState, JobWork, Login, Place, Release, ReleaseRollout, Route,
        Secrets, Site, Sites, Slot,
    },
    ids::{ApplicationId, DeploymentId, EnvironmentId},
    secrets::SecretValues,
};
use jiff::SignedDuration;
use kube::{
    Api, Client, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams},
    core::GroupVersionKind,
};
use kubernetes::{KubernetesSites, SiteSettings};
use serde_json::{Value, json};
use simulator::{Clock, Cluster};

pub const NAMESPACE: &str = "slipway-acme-prod";
const REPOSITORY: &str = "https://git.example/acme/api";
const COMMIT: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// The platform's own cluster as a site.
pub struct Yard {
    pub cluster: Cluster,
    pub client: Client,
    pub site: Arc<dyn Site>,
    pub place: Place,
    pub deployment: DeploymentId,
}

pub fn settings() -> SiteSettings {
    SiteSettings { builder_image: "moby/buildkit:rootless".to_owned(), networks: Vec::new() }
}

pub fn place(application: &str) -> Place {
    Place {
        namespace: NAMESPACE.to_owned(),
        application: application.to_owned(),
        application_id: ApplicationId::fresh(),
        environment_id: EnvironmentId::fresh(),
    }
}

/// With a login for everything, and a variable.
pub fn secrets() -> Secrets {
    let login = |username: &str| {
        Some(Login { username: username.to_owned(), password: format!("{username}-p4ss") })
    };
    let environment = SecretValues::parse("secrets", json!({ "TOKEN": "t0ken" })).unwrap();
    Secrets {
        git: login("git"),
        git_key: None,
        registry: login("robot"),
        environment: Some(environment),
    }
}

impl Yard {
    pub async fn new() -> Self {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let cluster = Cluster::new(Clock::manual(start));
        let client = Client::new(cluster.router(), "default");
        let sites = KubernetesSites::new(client.clone(), settings());
        let site = sites.site(None).await.unwrap();
        let (place, deployment) = (place("api"), DeploymentId::fresh());
        Self { cluster, client, site, place, deployment }
    }

    pub fn advance(&self, seconds: u64) {
        self.cluster.advance(Duration::from_secs(seconds));
    }

    pub fn job(&self, name: &str, work: JobWork) -> Job {
        Job {
            name: JobName { namespace: NAMESPACE.to_owned(), name: name.to_owned() },
            place: self.place.clone(),
            deployment_id: self.deployment,
            limit: SignedDuration::from_mins(2),
            work,
        }
    }

    pub fn build(&self, dockerfile: &str) -> Job {
        self.job(
            "build-api-1",
            JobWork::Build(ImageBuild {
                repository: REPOSITORY.to_owned(),
                git_tag: "v1.0.0".to_owned(),
                commit: COMMIT.to_owned(),
                dockerfile: dockerfile.to_owned(),
                context: "services/api".to_owned(),
                build_args: BTreeMap::from([("MODE".to_owned(), "a $(B) 'c'".to_owned())]),
                tags: vec!["registry.example/acme/api:v1".to_owned()],
            }),
        )
    }

    pub fn test(&self, command: &str) -> Job {
        self.job(
            "test-api-1",
            JobWork::Test {
                image: "registry.example/acme/api:v1".to_owned(),
                command: command.to_owned(),
                environment: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            },
        )
    }

    pub async fn start(&self, job: &Job) {
        self.site.start_job(job, &Secrets::default()).await.unwrap();
    }

    pub async fn state(&self, job: &Job) -> Option<JobState> {
        self.site.job(&job.name).await.unwrap()
    }

    pub async fn log(&self, job: &Job) -> Vec<String> {
        let lines = self.site.job_log(&job.name, None).await.unwrap().lines;
        lines.into_iter().map(|line| line.text).collect()
    }

    pub fn release(&self, slot: Slot, image: &str) -> Release {
        Release {
            place: self.place.clone(),
            slot,
            deployment_id: self.deployment,
            image: format!("registry.example/acme/{image}"),
            port: 3000,
            replicas: 2,
            max_unavailable: 0,
            environment: BTreeMap::from([("MODE".to_owned(), "demo".to_owned())]),
        }
    }

    /// Applies a release and lets it come to rest.
    pub async fn stand(&self, release: &Release) {
        self.site.apply_release(release, &Secrets::default()).await.unwrap();
        self.advance(60);
    }

    pub async fn rollout(&self, slot: Slot) -> Option<ReleaseRollout> {
        self.site.rollout(&self.place, slot).await.unwrap()
    }

    pub async fn route(&self, slot: Slot) {
        let route = Route { place: self.place.clone(), slot };
        self.site.route(&route).await.unwrap();
    }

    /// Everything of one kind in the namespace, by name.
    pub async fn all(&self, api_version: &str, kind: &str) -> Vec<(String, Value)> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), NAMESPACE, &resource);
        let found = api.list(&ListParams::default()).await.unwrap().items;
        found.into_iter().map(|object| (object.name_any(), json!(object))).collect()
    }

    pub async fn names(&self, api_version: &str, kind: &str) -> Vec<String> {
        self.all(api_version, kind).await.into_iter().map(|(name, _)| name).collect()
    }
}
