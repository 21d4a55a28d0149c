//! From settings to a control plane: the only place that names adapters.

use std::sync::Arc;

use anyhow::Context;
use domain::{
    ControlPlane, Ports, clusters::DevProvider, events::Bus, instances::Mirror, runtime::Target,
};
use kubernetes::KubernetesRuntime;
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
    let runtime = runtime(config)?;
    let ports = Ports {
        store: Arc::new(store),
        search: runtime.clone(),
        runtime,
        dev: dev_provider(config),
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

fn runtime(config: &Config) -> anyhow::Result<Arc<KubernetesRuntime>> {
    let conventions = config.conventions();
    let target = |name: &str, simulated| Target { name: name.to_owned(), simulated };
    Ok(match config.kubernetes {
        KubernetesMode::Simulated => {
            Arc::new(simulated(target("simulated", true)).with(conventions))
        }
        KubernetesMode::InCluster => {
            let client = kubernetes::connect::in_cluster().context("connecting")?;
            Arc::new(KubernetesRuntime::new(client, target("in-cluster", false)).with(conventions))
        }
        KubernetesMode::Kubeconfig => {
            let path = config.kubeconfig.as_deref().context("set SLIPWAY_KUBECONFIG")?;
            let client = kubernetes::connect::kubeconfig(path).context("connecting")?;
            Arc::new(KubernetesRuntime::new(client, target("kubeconfig", false)).with(conventions))
        }
    })
}

/// A cluster that begins empty and goes with the process, behind the same adapter as a real one.
fn simulated(target: Target) -> KubernetesRuntime {
    let cluster = simulator::Cluster::new(simulator::Clock::system());
    tokio::spawn(cluster.run());
    KubernetesRuntime::new(kube::Client::new(cluster.router(), "default"), target)
}
