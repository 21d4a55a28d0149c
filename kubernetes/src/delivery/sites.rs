use std::{
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::{
    delivery::{self, Site, Sites},
    error::{Error, Result},
};
use ipnet::IpNet;
use kube::Client;
use lru::LruCache;

use super::{
    dial::{self, Reach},
    site::KubernetesSite,
};
use crate::kubeconfig::Kubeconfig;

/// For how many kubeconfigs clients are kept.
const CLIENTS: NonZero<usize> = NonZero::new(64).expect("it is not zero");

#[derive(Clone, Debug)]
pub struct SiteSettings {
    /// An image with BuildKit's `buildctl-daemonless.sh` and a shell in it, for user 1000.
    pub builder_image: String,
    /// Private networks in which clusters of kubeconfigs may stand.
    pub networks: Vec<IpNet>,
}

/// The platform's own cluster, and those that kubeconfigs name.
pub struct KubernetesSites {
    own: Arc<KubernetesSite>,
    builder_image: Arc<str>,
    reach: Reach,
    /// By the fingerprints of kubeconfigs.
    clients: Mutex<LruCache<String, Arc<KubernetesSite>>>,
}

impl KubernetesSites {
    pub fn new(own: Client, settings: SiteSettings) -> Self {
        let builder_image: Arc<str> = settings.builder_image.into();
        Self {
            own: Arc::new(KubernetesSite::new(own, builder_image.clone())),
            builder_image,
            reach: Reach { networks: settings.networks.into() },
            clients: Mutex::new(LruCache::new(CLIENTS)),
        }
    }

    /// What can harm nobody and leads to a place within reach.
    fn parse(&self, kubeconfig: &delivery::Kubeconfig) -> Result<Kubeconfig> {
        let parsed = Kubeconfig::parse(kubeconfig.text.as_bytes())?;
        self.reach.check(parsed.server())?;
        Ok(parsed)
    }

    fn dial(&self, kubeconfig: &delivery::Kubeconfig) -> Result<Arc<KubernetesSite>> {
        let config = self.parse(kubeconfig)?.config();
        let client = dial::client(&config, self.reach.clone());
        let client = client.map_err(|error| Error::Internal {
            context: "no client can be made of the kubeconfig".to_owned(),
            source: Some(error.into()),
        })?;
        Ok(Arc::new(KubernetesSite::new(client, self.builder_image.clone())))
    }
}

#[async_trait]
impl Sites for KubernetesSites {
    async fn site(&self, kubeconfig: Option<&delivery::Kubeconfig>) -> Result<Arc<dyn Site>> {
        let Some(kubeconfig) = kubeconfig else {
            return Ok(self.own.clone());
        };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known =
            clients.try_get_or_insert(kubeconfig.fingerprint.clone(), || self.dial(kubeconfig));
        Ok(known?.clone())
    }

    fn check(&self, kubeconfig: &delivery::Kubeconfig) -> Result<String> {
        let address = self.parse(kubeconfig)?.server().to_string();
        Ok(address.trim_end_matches('/').to_owned())
    }
}
