//! A simulated API server behind TLS, which knows its clients by token or certificate.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::Request,
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    serve::Listener,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::PrivateKeyDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const TOKEN: &str = "the one that is known";

/// A certificate authority of one test's own.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// How a server knows its clients.
#[derive(Clone, Copy)]
pub enum Knows {
    Tokens,
    Certificates,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// As a kubeconfig holds it.
    pub fn data(&self) -> String {
        BASE64_STANDARD.encode(self.0.pem())
    }

    /// Credentials as a kubeconfig holds them.
    pub fn user(&self, knows: Knows) -> Value {
        match knows {
            Knows::Tokens => json!({ "token": TOKEN }),
            Knows::Certificates => {
                let key = KeyPair::generate().unwrap();
                let params = CertificateParams::new(Vec::new()).unwrap();
                let certificate = params.signed_by(&key, &self.0).unwrap();
                json!({
                    "client-certificate-data": BASE64_STANDARD.encode(certificate.pem()),
                    "client-key-data": BASE64_STANDARD.encode(key.serialize_pem()),
                })
            }
        }
    }

    /// Serves the API on a port of this machine.
    pub async fn serve(&self, api: axum::Router, knows: Knows) -> SocketAddr {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(self.server(knows)));
        let api = match knows {
            Knows::Tokens => api.layer(middleware::from_fn(only_with_token)),
            Knows::Certificates => api,
        };
        tokio::spawn(axum::serve(TlsListener { socket, acceptor }, api).into_future());
        address
    }

    fn server(&self, knows: Knows) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let chain = vec![certificate.der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(self.verifier(knows))
            .with_single_cert(chain, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap()
    }

    fn verifier(&self, knows: Knows) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        match knows {
            Knows::Tokens => WebPkiClientVerifier::no_client_auth(),
            Knows::Certificates => {
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap()
            }
        }
    }
}

struct TlsListener {
    socket: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.socket.accept().await.unwrap();
            // A client that is not known is not answered.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

async fn only_with_token(request: Request, next: Next) -> Response {
    let given = request.headers().get(AUTHORIZATION);
    if given.is_some_and(|given| given.as_bytes() == format!("Bearer {TOKEN}").as_bytes()) {
        return next.run(request).await;
    }
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "Unauthorized", "reason": "Unauthorized", "code": 401,
    });
    (StatusCode::UNAUTHORIZED, Json(status)).into_response()
}
