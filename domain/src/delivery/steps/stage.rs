use std::sync::Arc;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::super::{Kubeconfig, Login, Place, Secrets, Site, SshKey};
use crate::{
    error::{Error, Result},
    ids::DeploymentId,
    secrets::{SealedSecret, SecretValues},
    workflows::Outside,
};

/// What the key for a repository is called that is reached by ssh.
pub(super) const GIT_SSH_KEY: &str = "GIT_SSH_KEY";

/// How often it is looked whether the pods of another deployment have ended, of which the watch
/// tells that one alone.
pub(super) const ENDING_PODS: SignedDuration = SignedDuration::from_secs(2);

/// Where a task works, for whom, and with which credentials.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    pub place: Place,
    pub deployment_id: DeploymentId,
    /// The platform's own cluster where absent.
    pub kubeconfig: Option<SealedSecret>,
    /// The application's.
    pub secrets: Option<SealedSecret>,
}

impl Stage {
    /// What a kubeconfig is called among its environment's secrets.
    pub const KUBECONFIG: &str = "KUBECONFIG";
    /// What the platform itself uses of an application's secrets; the rest is the application's.
    const CREDENTIALS: &[&str] =
        &["GIT_USERNAME", "GIT_TOKEN", GIT_SSH_KEY, "REGISTRY_USERNAME", "REGISTRY_PASSWORD"];

    /// How long what goes on there is left alone. On the platform's own cluster the watch tells of
    /// its end before that.
    pub fn pause(&self) -> SignedDuration {
        SignedDuration::from_secs(if self.kubeconfig.is_none() { 10 } else { 1 })
    }

    pub async fn site(&self, outside: &Outside) -> Result<Arc<dyn Site>> {
        let Some(sealed) = &self.kubeconfig else {
            return outside.sites.site(None).await;
        };
        let values = sealed.open(&*outside.vault)?;
        let text = values.get(Self::KUBECONFIG).ok_or_else(|| Error::internal("no kubeconfig"))?;
        let fingerprint = sealed.fingerprint.clone();
        outside.sites.site(Some(&Kubeconfig { text: text.to_owned(), fingerprint })).await
    }

    pub fn open(&self, outside: &Outside) -> Result<Secrets> {
        let Some(sealed) = &self.secrets else {
            return Ok(Secrets::default());
        };
        let values = sealed.open(&*outside.vault)?;
        Ok(Secrets {
            git: login(&values, "GIT_USERNAME", "GIT_TOKEN"),
            git_key: values.get(GIT_SSH_KEY).map(|key| SshKey(key.to_owned())),
            registry: login(&values, "REGISTRY_USERNAME", "REGISTRY_PASSWORD"),
            environment: values.without(Self::CREDENTIALS),
        })
    }
}

/// Git servers take any name beside a token.
fn login(values: &SecretValues, username: &str, password: &str) -> Option<Login> {
    Some(Login {
        username: values.get(username).unwrap_or("git").to_owned(),
        password: values.get(password)?.to_owned(),
    })
}
