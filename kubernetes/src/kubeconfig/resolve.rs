use base64::{Engine, prelude::BASE64_STANDARD};
use domain::error::Result;
use http::Uri;
use kube::{Config, config::AuthInfo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use secrecy::ExposeSecret;

use super::{
    document::{Cluster, Document, User},
    read::{read, refused},
};

/// The cluster and the credentials that a kubeconfig's current context names.
pub struct Kubeconfig {
    server: Uri,
    /// In DER; empty for the authorities that the system trusts.
    authorities: Vec<Vec<u8>>,
    tls_server_name: Option<String>,
    user: User,
}

impl Kubeconfig {
    /// Refuses everything that is not known to be harmless. No error quotes a value.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let (cluster, user) = current(read(text)?)?;
        if cluster.insecure_skip_tls_verify {
            return Err(refused("`insecure-skip-tls-verify` is not allowed"));
        }
        let authorities = cluster.certificate_authority_data.as_deref().map(authorities);
        check_identity(&user)?;
        Ok(Self {
            server: server(&cluster.server)?,
            authorities: authorities.transpose()?.unwrap_or_default(),
            tls_server_name: cluster.tls_server_name,
            user,
        })
    }

    /// The address of the API server.
    pub fn server(&self) -> &Uri {
        &self.server
    }

    pub(crate) fn config(self) -> Config {
        let mut config = Config::new(self.server);
        config.root_cert = Some(self.authorities).filter(|authorities| !authorities.is_empty());
        config.tls_server_name = self.tls_server_name;
        config.auth_info = AuthInfo {
            token: self.user.token,
            client_certificate_data: self.user.client_certificate_data,
            client_key_data: self.user.client_key_data,
            ..AuthInfo::default()
        };
        config
    }
}

fn current(document: Document) -> Result<(Cluster, User)> {
    let Document { current_context, clusters, contexts, users, .. } = document;
    let wanted = current_context.ok_or_else(|| refused("`current-context` is missing"))?;
    let context = contexts.into_iter().find(|it| it.name == wanted);
    let context = context.ok_or_else(|| refused("there is no context of that name"))?.context;
    let cluster = clusters.into_iter().find(|it| it.name == context.cluster);
    let cluster = cluster.ok_or_else(|| refused("there is no cluster of that name"))?.cluster;
    let Some(wanted) = context.user.filter(|name| !name.is_empty()) else {
        return Ok((cluster, User::default()));
    };
    let user = users.into_iter().find(|it| it.name == wanted);
    Ok((cluster, user.ok_or_else(|| refused("there is no user of that name"))?.user))
}

/// Without TLS only to this machine: anybody on the way could read the token.
fn server(text: &str) -> Result<Uri> {
    let malformed = || refused("`server` must be an address like https://host:6443");
    let uri: Uri = text.parse().map_err(|_| malformed())?;
    let authority = uri.authority().ok_or_else(malformed)?;
    if authority.as_str().contains('@') || uri.query().is_some() {
        return Err(malformed());
    }
    let here = matches!(authority.host(), "localhost" | "127.0.0.1" | "[::1]");
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if here => Ok(uri),
        _ => Err(malformed()),
    }
}

fn authorities(data: &str) -> Result<Vec<Vec<u8>>> {
    let malformed =
        || refused("`certificate-authority-data` must be certificates in PEM, in base64");
    let pem = BASE64_STANDARD.decode(data).map_err(|_| malformed())?;
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&pem).map(|der| der.map(|der| der.to_vec())).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(malformed)
}

/// Whether the client certificate and its key can be read, and are there both or not at all.
fn check_identity(user: &User) -> Result<()> {
    let (certificate, key) = match (&user.client_certificate_data, &user.client_key_data) {
        (None, None) => return Ok(()),
        (Some(certificate), Some(key)) => (certificate, key),
        _ => return Err(refused("a client certificate needs its key, and a key its certificate")),
    };
    let certificate = BASE64_STANDARD.decode(certificate).ok();
    let key = BASE64_STANDARD.decode(key.expose_secret()).ok();
    let readable = certificate.is_some_and(|pem| CertificateDer::from_pem_slice(&pem).is_ok())
        && key.is_some_and(|pem| PrivateKeyDer::from_pem_slice(&pem).is_ok());
    if readable {
        return Ok(());
    }
    Err(refused("the client certificate and its key must be PEM, in base64"))
}
