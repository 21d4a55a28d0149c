use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::bail;
use clap::{Args, ValueEnum};
use domain::{
    Settings,
    clusters::{PortRange, PortRules},
    identity::GuessLimits,
    quota::{QuotaDimension, QuotaLimit, QuotaLimits},
    workflows::WorkflowCaps,
};
use ipnet::IpNet;
use jiff::SignedDuration;
use kubernetes::{Conventions, GpuType, PodSecurity, Tls};

use crate::{
    http::Limits,
    keys::{TokenKey, TokenKeys},
};

/// Every setting, by flag or environment.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where to listen.
    #[arg(long, env = "SLIPWAY_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Where the data is: `sqlite://PATH` or `postgres://…`.
    #[arg(
        long,
        env = "SLIPWAY_DATABASE_URL",
        default_value = "sqlite://slipway.db",
        hide_env_values = true
    )]
    pub database_url: String,

    /// Redis, through which processes wake each other and other systems are told: `redis://…`. Without it a process learns
    /// of another's changes within a second.
    #[arg(long, env = "SLIPWAY_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,

    /// Which cluster runs the workloads.
    #[arg(long, env = "SLIPWAY_KUBERNETES", default_value = "simulated")]
    pub kubernetes: KubernetesMode,

    /// The kubeconfig, with `--kubernetes kubeconfig`.
    #[arg(long, env = "SLIPWAY_KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,

    /// The first administrator's e-mail address.
    #[arg(long, env = "SLIPWAY_ADMIN_EMAIL", default_value = "admin@slipway.local")]
    pub admin_email: String,

    /// The first administrator's password; where absent one is made and printed once.
    #[arg(long, env = "SLIPWAY_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,

    /// Signs access tokens: at least 32 characters, the same in all processes. With SQLite a
    /// file beside the database holds one where this is absent.
    #[arg(long, env = "SLIPWAY_TOKEN_KEY", hide_env_values = true)]
    pub token_key: Option<String>,

    /// The token key before the present one: what it signed is accepted until it expires.
    #[arg(long, env = "SLIPWAY_TOKEN_KEY_PREVIOUS", hide_env_values = true)]
    pub token_key_previous: Option<String>,

    /// Seals what is written and never read back, such as `secretConfig`: at least 32 characters,
    /// the same in all processes. With SQLite a file beside the database holds one where this is
    /// absent; with PostgreSQL secrets are refused without it.
    #[arg(long, env = "SLIPWAY_SECRETS_KEY", hide_env_values = true)]
    pub secrets_key: Option<String>,

    /// What the host names of instances end in.
    #[arg(long, env = "SLIPWAY_INGRESS_DOMAIN", default_value = "slipway.localhost")]
    pub ingress_domain: String,

    /// The class of the Ingresses of instances; the cluster's default where absent.
    #[arg(long, env = "SLIPWAY_INGRESS_CLASS")]
    pub ingress_class: Option<String>,

    /// Where the certificates of instances come from: `off`, `controller` (the Ingress controller
    /// has one for all hosts) or `issuer:NAME` (cert-manager makes them, by a ClusterIssuer).
    #[arg(long, env = "SLIPWAY_INGRESS_TLS", default_value = "off", value_parser = tls)]
    pub ingress_tls: Tls,

    /// How the pods of instances are confined: `baseline`, or `restricted`, by which images that
    /// run as root do not start.
    #[arg(long, env = "SLIPWAY_POD_SECURITY", default_value = "baseline")]
    pub pod_security: PodSecurity,

    /// The types of GPU, separated by commas, each `TYPE=RESOURCE` or
    /// `TYPE=RESOURCE@LABEL=VALUE`, such as `1=nvidia.com/gpu@gpu.example/model=a100`. Where
    /// absent, every type is `nvidia.com/gpu` on any node.
    #[arg(long, env = "SLIPWAY_GPU_TYPES", value_delimiter = ',', value_parser = gpu_type)]
    pub gpu_types: Vec<(i32, GpuType)>,

    /// How long a task may take, such as `5m` or `90s`.
    #[arg(long, env = "SLIPWAY_TASK_DEADLINE", default_value = "5m")]
    pub task_deadline: SignedDuration,

    /// How long building or testing an application may take, such as `30m`.
    #[arg(long, env = "SLIPWAY_JOB_DEADLINE", default_value = "30m")]
    pub job_deadline: SignedDuration,

    /// Where images of applications are pushed to: `REGISTRY/PATH`, to which tenant and
    /// application are added.
    #[arg(long, env = "SLIPWAY_REGISTRY", default_value = "registry.slipway.localhost")]
    pub registry: String,

    /// What builds images, without root: an image with BuildKit's `buildctl-daemonless.sh`.
    #[arg(long, env = "SLIPWAY_BUILDER_IMAGE", default_value = "moby/buildkit:rootless")]
    pub builder_image: String,

    /// Private networks in which clusters of users' kubeconfigs may stand, such as `10.0.0.0/8`;
    /// public ones always may.
    #[arg(long, env = "SLIPWAY_CLUSTER_NETWORKS", value_delimiter = ',', value_parser = network)]
    pub cluster_networks: Vec<IpNet>,

    /// How long a worker owns a task before another may take it over.
    #[arg(long, env = "SLIPWAY_TASK_LEASE", default_value = "30s")]
    pub task_lease: SignedDuration,

    /// How long events are kept, such as `30d`: cursors that are older have expired.
    #[arg(long, env = "SLIPWAY_EVENT_RETENTION", default_value = "30d", value_parser = days)]
    pub event_retention: SignedDuration,

    /// How many wrong passwords an account may meet in 15 minutes, as each process counts; 0 sets
    /// no limit.
    #[arg(long, env = "SLIPWAY_LOGIN_FAILURES", default_value_t = 100)]
    pub login_failures: u32,

    /// How many wrong passwords and new accounts may come from an address in 15 minutes, as each
    /// process counts; 0 sets no limit.
    #[arg(long, env = "SLIPWAY_ADDRESS_ATTEMPTS", default_value_t = 1000)]
    pub address_attempts: u32,

    /// What a tenant may have for whom no administrator has set anything else, separated by commas,
    /// each `DIMENSION=LIMIT`, such as `INSTANCES=20,CPU_MILLIS=16000`; no limit where absent.
    #[arg(long, env = "SLIPWAY_QUOTA_DEFAULTS", value_delimiter = ',', value_parser = quota_limit)]
    pub quota_defaults: Vec<QuotaLimit>,

    /// How many workflows run at once.
    #[arg(long, env = "SLIPWAY_WORKFLOWS", default_value_t = 64)]
    pub workflows: i64,

    /// How many workflows of one tenant run at once: what it has more waits, and others' need not.
    #[arg(long, env = "SLIPWAY_TENANT_WORKFLOWS", default_value_t = 32)]
    pub tenant_workflows: i64,

    /// How long a server that gets SIGTERM says that it is not ready, and still answers, before it
    /// stops; Ctrl-C stops at once.
    #[arg(long, env = "SLIPWAY_STOP_DELAY", default_value = "3s")]
    pub stop_delay: SignedDuration,

    /// What is logged, such as `info` or `warn,domain=debug`.
    #[arg(long, env = "SLIPWAY_LOG", default_value = "warn")]
    pub log: String,

    /// How log lines are written.
    #[arg(long, env = "SLIPWAY_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// An OpenTelemetry collector that spans are sent to (OTLP over HTTP), such as
    /// `http://127.0.0.1:4318`; none are made where it is absent.
    #[arg(long, env = "SLIPWAY_OTLP_URL")]
    pub otlp_url: Option<String>,

    /// Which share of traces is sent, from 0 to 1, where the caller has not decided.
    #[arg(long, env = "SLIPWAY_OTLP_SHARE", default_value_t = 1.0)]
    pub otlp_share: f64,

    /// The image of new search clusters: one of Elasticsearch, or one that is set and probed like it.
    #[arg(long, env = "SLIPWAY_SEARCH_IMAGE", default_value = "elasticsearch:8.17.0")]
    pub search_image: String,

    #[command(flatten)]
    pub dev: Dev,

    #[command(flatten)]
    pub door: Door,
}

/// Clusters for development.
#[derive(Args, Clone, Debug)]
pub struct Dev {
    /// Who makes development clusters.
    #[arg(long = "dev-clusters", env = "SLIPWAY_DEV_CLUSTERS", default_value = "simulated")]
    pub clusters: DevMode,

    /// The addresses whose ports development clusters may have, separated by commas; the first
    /// where none is named.
    #[arg(
        long = "dev-hosts",
        env = "SLIPWAY_DEV_HOSTS",
        value_delimiter = ',',
        default_value = "127.0.0.1"
    )]
    pub hosts: Vec<Ipv4Addr>,

    /// The ports that are given out to development clusters.
    #[arg(long = "dev-ports", env = "SLIPWAY_DEV_PORTS", default_value = "18000-19999")]
    pub ports: PortRange,

    /// Development clusters may have the same node port, which then is none of the host's.
    #[arg(long = "dev-shared-node-ports", env = "SLIPWAY_DEV_SHARED_NODE_PORTS")]
    pub shared_node_ports: bool,

    /// A file of development clusters, imported at the start when its content has changed.
    #[arg(long = "dev-import", env = "SLIPWAY_DEV_IMPORT")]
    pub import: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DevMode {
    /// nothing is made, and all behaves as if
    Simulated,
    /// the commands `k3d`, `kind` and `docker` on this machine
    Cli,
}

/// What stands between clients and the graph.
#[derive(Args, Clone, Debug, Default)]
pub struct Door {
    /// Origins, besides the server's own, whose pages may use the API; separated by commas.
    #[arg(long, env = "SLIPWAY_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,

    /// Networks of proxies whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`; separated by
    /// commas.
    #[arg(long, env = "SLIPWAY_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// A JSON file of the only documents that are run: texts by id, or a manifest with
    /// `operations` that have `id` and `body`.
    #[arg(long, env = "SLIPWAY_TRUSTED_DOCUMENTS")]
    pub trusted_documents: Option<PathBuf>,

    /// Whoever presents it as `Authorization: Bearer …` gets the metrics. Without it they are for
    /// clients on this machine only.
    #[arg(long, env = "SLIPWAY_METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<String>,

    #[command(flatten)]
    pub limits: Limits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// for people
    Text,
    /// a JSON object per line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KubernetesMode {
    /// a cluster inside this process; nothing real runs
    Simulated,
    /// the cluster of a kubeconfig
    Kubeconfig,
    /// the cluster that this process runs in
    InCluster,
}

impl Config {
    pub fn settings(&self) -> Settings {
        Settings {
            ingress_domain: self.ingress_domain.clone(),
            ingress_tls: self.ingress_tls != Tls::Off,
            task_deadline: self.task_deadline,
            job_deadline: self.job_deadline,
            registry: self.registry.clone(),
            task_lease: self.task_lease,
            workflow_caps: WorkflowCaps { all: self.workflows, tenant: self.tenant_workflows },
            event_retention: self.event_retention,
            guess_limits: GuessLimits {
                account: self.login_failures,
                address: self.address_attempts,
            },
            search_image: self.search_image.clone(),
            dev_hosts: self.dev.hosts.clone(),
            port_rules: PortRules {
                range: self.dev.ports,
                share_node_ports: self.dev.shared_node_ports,
            },
            quota_defaults: QuotaLimits::default().with(self.quota_defaults.iter().copied()),
        }
    }

    /// How workloads are written for the cluster.
    pub fn conventions(&self) -> Conventions {
        Conventions {
            ingress_class: self.ingress_class.clone(),
            tls: self.ingress_tls.clone(),
            pod_security: self.pod_security,
            gpus: self.gpu_types.iter().cloned().collect(),
        }
    }

    /// The file of an embedded database.
    pub fn database_file(&self) -> Option<PathBuf> {
        self.database_url.strip_prefix("sqlite://").map(PathBuf::from)
    }

    pub fn token_keys(&self) -> anyhow::Result<TokenKeys> {
        let previous = self.token_key_previous.as_deref().map(TokenKey::new).transpose()?;
        match self.key(self.token_key.as_deref(), ".token-key")? {
            Some(current) => Ok(TokenKeys { current, previous }),
            None => bail!("set SLIPWAY_TOKEN_KEY: all processes of a database share it"),
        }
    }

    pub fn secrets_key(&self) -> anyhow::Result<Option<TokenKey>> {
        self.key(self.secrets_key.as_deref(), ".secrets-key")
    }

    /// As set, or in a file beside an embedded database.
    fn key(&self, set: Option<&str>, suffix: &str) -> anyhow::Result<Option<TokenKey>> {
        match (set, self.database_file()) {
            (Some(key), _) => TokenKey::new(key).map(Some),
            (None, Some(file)) => {
                let mut name = file.into_os_string();
                name.push(suffix);
                TokenKey::in_file(name.as_ref()).map(Some)
            }
            (None, None) => Ok(None),
        }
    }
}

fn tls(text: &str) -> Result<Tls, &'static str> {
    match text.split_once(':') {
        None if text == "off" => Ok(Tls::Off),
        None if text == "controller" => Ok(Tls::Controller),
        Some(("issuer", name)) if !name.is_empty() => Ok(Tls::Issuer(name.to_owned())),
        _ => Err("must be off, controller or issuer:NAME"),
    }
}

fn gpu_type(text: &str) -> Result<(i32, GpuType), &'static str> {
    let malformed = "must be TYPE=RESOURCE or TYPE=RESOURCE@LABEL=VALUE";
    let (kind, rest) = text.split_once('=').ok_or(malformed)?;
    let (resource, label) = rest.split_once('@').unwrap_or((rest, ""));
    let nodes = match label.split_once('=') {
        Some((name, value)) => BTreeMap::from([(name.to_owned(), value.to_owned())]),
        None if label.is_empty() => BTreeMap::new(),
        None => return Err(malformed),
    };
    let kind = kind.trim().parse().map_err(|_| malformed)?;
    let resource = Some(resource.to_owned()).filter(|it| !it.is_empty()).ok_or(malformed)?;
    Ok((kind, GpuType { resource, nodes }))
}

fn quota_limit(text: &str) -> Result<QuotaLimit, String> {
    let (dimension, limit) = text.split_once('=').ok_or("must be DIMENSION=LIMIT")?;
    let known = QuotaDimension::ALL.map(QuotaDimension::as_str).join(", ");
    let dimension = QuotaDimension::parse(dimension.trim().to_uppercase().as_str());
    let dimension = dimension.ok_or(format!("the dimensions are {known}"))?;
    let limit = limit.trim().parse().ok().filter(|limit| *limit >= 0);
    Ok(QuotaLimit { dimension, limit: Some(limit.ok_or("the limit must be a number from 0")?) })
}

/// A duration that may count in days, each of 24 hours.
fn days(text: &str) -> Result<SignedDuration, jiff::Error> {
    match text.strip_suffix('d').and_then(|days| days.trim().parse::<i32>().ok()) {
        Some(days) => Ok(SignedDuration::from_hours(24) * days),
        None => text.parse(),
    }
}

/// A network, or an address alone.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse().map(|address: IpAddr| address.into());
    text.parse().or_else(|_| address()).map_err(|_| "not a network such as 10.0.0.0/8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_gpu_and_certificates_are_read() {
        let (kind, a100) = gpu_type("1=nvidia.com/gpu@gpu.example/model=a100").expect("it is one");
        let (_, any) = gpu_type("0=amd.com/gpu").expect("it is one");

        assert_eq!((kind, a100.resource.as_str()), (1, "nvidia.com/gpu"));
        assert_eq!(a100.nodes["gpu.example/model"], "a100");
        assert_eq!((any.resource.as_str(), any.nodes.len()), ("amd.com/gpu", 0));
        for bad in ["nvidia.com/gpu", "x=a", "1=", "1=a@b"] {
            assert!(gpu_type(bad).is_err(), "{bad}");
        }
        assert_eq!(tls("issuer:letsencrypt"), Ok(Tls::Issuer("letsencrypt".to_owned())));
        assert_eq!((tls("off"), tls("controller")), (Ok(Tls::Off), Ok(Tls::Controller)));
        assert!(tls("issuer:").is_err() && tls("on").is_err());
    }
}
