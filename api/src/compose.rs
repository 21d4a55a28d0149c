//! From settings to a control plane: the only place that names adapters.

use std::sync::Arc;

use anyhow::Context;
use domain::{
    ControlPlane, Ports, clusters::DevProvider, events::Bus, instances::Mirror, runtime::Target,
};
use kube::Client;
use kubernetes::{KubernetesRuntime, KubernetesSites, SiteSettings};
use persistence::{LocalBus, MemoryMirror, RedisBus, RedisMirror, SqlStore};

use crate::{
    auth::Signer,
    config::{Config, DevMode, KubernetesMode},
    dev_clusters::{CliProvider, SimulatedProvider},
    keys::TokenKey,
    passwords::Argon2Hasher,
    vault::AesVault,
};

pub async fn control_plane(config: &Config, key: &TokenKey) -> anyhow::Result<Arc<ControlPlane>> {
    let store = SqlStore::open(&config.database_url, None).await.context("opening the store")?;
    let (client, target) = cluster(config)?;
    let runtime = KubernetesRuntime::new(client.clone(), target).with(config.conventions());
    let runtime = Arc::new(runtime);
    let ports = Ports {
        store: Arc::new(store),
        search: runtime.clone(),
        runtime,
        dev: dev_provider(config),
        sites: Arc::new(KubernetesSites::new(client, sites(config))),
        bus: bus(config)?,
        mirror: mirror(config)?,
        passwords: Arc::new(Argon2Hasher::new()?),
        tokens: Arc::new(Signer::new(key)),
        vault: Arc::new(AesVault::new(config.secrets_key()?.as_ref())?),
    };
    Ok(Arc::new(ControlPlane::new(ports, config.settings())))
}

fn bus(config: &Config) -> anyhow::Result<Arc<dyn Bus>> {
    Ok(match &config.redis_url {
        Some(url) => Arc::new(RedisBus::new(url)?),
        None => Arc::new(LocalBus::new()),
    })
}

fn mirror(config: &Config) -> anyhow::Result<Arc<dyn Mirror>> {
    Ok(match &config.redis_url {
        Some(url) => Arc::new(RedisMirror::new(url)?),
        None => Arc::new(MemoryMirror::default()),
    })
}

fn dev_provider(config: &Config) -> Arc<dyn DevProvider> {
    match config.dev.clusters {
        DevMode::Simulated => Arc::new(SimulatedProvider::default()),
        DevMode::Cli => Arc::new(CliProvider),
    }
}

/// The platform's own cluster.
fn cluster(config: &Config) -> anyhow::Result<(Client, Target)> {
    let target = |name: &str, simulated| Target { name: name.to_owned(), simulated };
    Ok(match config.kubernetes {
        KubernetesMode::Simulated => (simulated(), target("simulated", true)),
        KubernetesMode::InCluster => {
            let client = kubernetes::connect::in_cluster().context("connecting")?;
            (client, target("in-cluster", false))
        }
        KubernetesMode::Kubeconfig => {
            let path = config.kubeconfig.as_deref().context("set SLIPWAY_KUBECONFIG")?;
            let client = kubernetes::connect::kubeconfig(path).context("connecting")?;
            (client, target("kubeconfig", false))
        }
    })
}

/// A cluster that begins empty and goes with the process, behind the same adapter as a real one.
fn simulated() -> Client {
    let cluster = simulator::Cluster::new(simulator::Clock::system());
    tokio::spawn(cluster.run());
    Client::new(cluster.router(), "default")
}

fn sites(config: &Config) -> SiteSettings {
    SiteSettings {
        builder_image: config.builder_image.clone(),
        networks: config.cluster_networks.clone(),
    }
}
