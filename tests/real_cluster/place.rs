use std::{env, path::PathBuf};

use simulator::{Account, Clock, Cluster};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::support::granted_rules;

/// A cluster, and the account that is used there.
pub struct Place {
    pub kubeconfig: PathBuf,
    pub images: Images,
    /// Holds the kubeconfig.
    _folder: Option<TempDir>,
}

/// Images that do as they are called.
pub struct Images {
    pub good: String,
    pub crashing: String,
    pub missing: String,
}

impl Images {
    fn of(names: &str) -> Self {
        let mut names = names.split(',').map(str::to_owned);
        let mut next = || names.next().unwrap();
        Self { good: next(), crashing: next(), missing: next() }
    }
}

impl Place {
    /// An account that may do what `deploy/` grants.
    pub async fn simulated() -> Self {
        let cluster = Cluster::new(Clock::system());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let text = simulator::kubeconfig(listener.local_addr().unwrap());
        let (token, name) = ("a-token".to_owned(), "slipway".to_owned());
        let text = text.replace("user: {}", &format!("user: {{token: {token}}}"));
        let account = Account { token, name, rules: granted_rules() };
        let router = cluster.guarded_router(vec![account]);
        tokio::spawn(cluster.run());
        tokio::spawn(axum::serve(listener, router).into_future());
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, text).unwrap();
        let images = Images::of("web:1,crash:1,nopull:1");
        Self { kubeconfig, images, _folder: Some(folder) }
    }

    /// `None` where no cluster is named.
    pub fn named() -> Option<Self> {
        let kubeconfig = env::var_os("SLIPWAY_TEST_KUBECONFIG").map(PathBuf::from)?;
        let default = "nginx:stable,busybox:stable,slipway.invalid/missing:1".to_owned();
        let images = Images::of(&env::var("SLIPWAY_TEST_IMAGES").unwrap_or(default));
        Some(Self { kubeconfig, images, _folder: None })
    }
}
