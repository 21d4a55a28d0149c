//! What differs from cluster to cluster.

use std::{collections::BTreeMap, str::FromStr};

/// How workloads are written for a cluster.
#[derive(Clone, Debug, Default)]
pub struct Conventions {
    /// Of Ingresses; the cluster's default class where absent.
    pub ingress_class: Option<String>,
    pub tls: Tls,
    pub pod_security: PodSecurity,
    /// The types of GPU that there are. Where none is named every type is [`GpuType::default`].
    pub gpus: BTreeMap<i32, GpuType>,
}

/// Where the certificates of instances come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// Instances are served without TLS.
    #[default]
    Off,
    /// The Ingress controller has one for all hosts.
    Controller,
    /// cert-manager makes one for each host, by this ClusterIssuer.
    Issuer(String),
}

/// The Pod Security Standard that the pods of instances hold to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodSecurity {
    #[default]
    Baseline,
    /// Images that run as root do not start.
    Restricted,
}

impl FromStr for PodSecurity {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "baseline" => Ok(Self::Baseline),
            "restricted" => Ok(Self::Restricted),
            _ => Err("must be baseline or restricted"),
        }
    }
}

/// How a cluster names a type of GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuType {
    /// The extended resource that counts them.
    pub resource: String,
    /// The labels of the nodes that have them.
    pub nodes: BTreeMap<String, String>,
}

impl Default for GpuType {
    fn default() -> Self {
        Self { resource: "nvidia.com/gpu".to_owned(), nodes: BTreeMap::new() }
    }
}

impl Conventions {
    /// `None` for a type that the cluster has not.
    pub fn gpu(&self, kind: i32) -> Option<GpuType> {
        if self.gpus.is_empty() {
            return Some(GpuType::default());
        }
        self.gpus.get(&kind).cloned()
    }
}
