use std::{fmt::Debug, time::Duration};

use domain::{
    commerce::ComputeSpec,
    error::Result,
    ids::InstanceId,
    runtime::{Part, Place, Rollout, Runtime, Target, Workload},
};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1::Deployment, core::v1::Namespace},
};
use kube::{Api, Client, Resource, ResourceExt, api::DeleteParams};
use kubernetes::KubernetesRuntime;
use serde::de::DeserializeOwned;
use serde_json::json;
use simulator::{Clock, Cluster};

pub struct Bench {
    pub cluster: Cluster,
    pub client: Client,
    pub runtime: KubernetesRuntime,
}

impl Bench {
    pub fn new() -> Self {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        let cluster = Cluster::new(Clock::manual(start));
        let client = Client::new(cluster.router(), "default");
        let target = Target { name: "test".to_owned(), simulated: true };
        let runtime = KubernetesRuntime::new(client.clone(), target);
        Self { cluster, client, runtime }
    }

    pub fn advance(&self, seconds: u64) {
        self.cluster.advance(Duration::from_secs(seconds));
    }

    pub async fn apply(&self, workload: &Workload) {
        for part in Part::ALL {
            self.runtime.apply(workload, *part).await.unwrap();
        }
    }

    /// Applies a workload and lets it come to rest.
    pub async fn stand(&self, workload: &Workload) {
        self.apply(workload).await;
        self.advance(60);
    }

    pub async fn rollout(&self, workload: &Workload) -> Rollout {
        self.runtime.rollout(&workload.place).await.unwrap().unwrap()
    }

    /// What holds the workload up.
    pub async fn trouble(&self, workload: &Workload) -> Option<String> {
        self.rollout(workload).await.trouble.map(|trouble| trouble.reason)
    }

    pub async fn remains(&self, workload: &Workload) -> Vec<String> {
        self.runtime.remains(&workload.place).await.unwrap()
    }

    pub async fn delete_namespace(&self, workload: &Workload) {
        let api = Api::<Namespace>::all(self.client.clone());
        let name = &workload.place.namespace;
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub async fn delete_deployment(&self, workload: &Workload) {
        let Place { namespace, name, .. } = &workload.place;
        let api = Api::<Deployment>::namespaced(self.client.clone(), namespace);
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// The `resourceVersion` of a workload's object.
    pub async fn version<K>(&self, workload: &Workload) -> String
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let Place { namespace, name, .. } = &workload.place;
        let api = Api::<K>::namespaced(self.client.clone(), namespace);
        api.get(name).await.unwrap().resource_version().unwrap()
    }

    pub async fn namespace_version(&self, workload: &Workload) -> Result<String, kube::Error> {
        let api = Api::<Namespace>::all(self.client.clone());
        api.get(&workload.place.namespace).await.map(|it| it.resource_version().unwrap())
    }
}

/// A workload of an image that is named like this.
pub fn workload(image: &str) -> Workload {
    let place = Place {
        namespace: "slipway-acme--instances".to_owned(),
        name: "web".to_owned(),
        instance_id: InstanceId::fresh(),
    };
    Workload {
        place,
        spec: ComputeSpec {
            cpu_millis: 1000,
            memory_mib: 1024,
            gpu: None,
            image: format!("registry.example/{image}:1.0"),
            config: json!({ "env": { "MODE": "demo" } }),
        },
        replicas: 1,
        restart_token: None,
        secret: None,
        host: "web-7.slipway.localhost".to_owned(),
    }
}
