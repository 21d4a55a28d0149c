//! Clients for clusters that users name. They reach addresses of the internet, and of what private
//! networks the operator allows, and no other: the address that is checked is the one that is
//! dialled.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use domain::error::{Error, Result};
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::{
    client::legacy::{
        self,
        connect::{
            HttpConnector,
            dns::{GaiResolver, Name},
        },
    },
    rt::TokioExecutor,
};
use ipnet::IpNet;
use kube::{Client, Config, client::ConfigExt};
use tower::{BoxError, Service, ServiceBuilder};

use crate::connect::CONNECT;

/// What may be dialled.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Private networks that are allowed.
    pub networks: Arc<[IpNet]>,
}

impl Reach {
    /// Refuses an address that needs no look at the name service to be out of reach.
    pub fn check(&self, server: &Uri) -> Result<()> {
        let host = server.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let here = host.eq_ignore_ascii_case("localhost");
        let literal = if here { "127.0.0.1" } else { host };
        match literal.parse() {
            Ok(address) if !self.includes(address) => Err(Error::invalid(
                "kubeconfig",
                "`server` must not be an address of a private network",
            )),
            _ => Ok(()),
        }
    }

    fn includes(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Call it inside a Tokio runtime.
pub(super) fn client(config: &Config, reach: Reach) -> kube::Result<Client> {
    let mut http = HttpConnector::new_with_resolver(Resolver { all: GaiResolver::new(), reach });
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT));
    let https = config.rustls_https_connector_with_connector(http)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(BoxError::from)
        .service(legacy::Client::builder(TokioExecutor::new()).build(https));
    Ok(Client::new(service, "default"))
}

/// Finds the addresses of a name that are within reach.
#[derive(Clone)]
struct Resolver {
    all: GaiResolver,
    reach: Reach,
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.all.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, reach) = (self.all.call(name), self.reach.clone());
        Box::pin(async move {
            let within: Vec<SocketAddr> =
                found.await?.filter(|address| reach.includes(address.ip())).collect();
            if within.is_empty() {
                let why = "the name has no address outside of private networks";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            Ok(within.into_iter())
        })
    }
}

/// Whether an address is one of the internet's, where everybody may go.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmarks = a == 198 && (18..20).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let kept = address.is_private() || address.is_loopback() || address.is_link_local();
    // From 224 on they are for groups, or reserved.
    !(a == 0 || a >= 224 || kept || shared || benchmarks || protocols)
}

/// Global unicast is 2000::/3; the rest is local, for groups, or reserved. Some of it stands for
/// an address of the older kind.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo tunnels, and what is for documents only.
        [0x2001, 0 | 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(networks: &[&str]) -> Reach {
        Reach { networks: networks.iter().map(|it| it.parse().expect("a network")).collect() }
    }

    #[test]
    fn private_addresses_are_out_of_reach_in_every_form() {
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.1.2.3",
            "64:ff9b::a01:203",
            "2002:a01:203::",
            "2001::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ];
        for address in refused {
            assert!(!reach(&[]).includes(address.parse().expect("an address")), "{address}");
        }
        for address in ["8.8.8.8", "100.128.0.1", "2606:4700::1", "64:ff9b::808:808"] {
            assert!(reach(&[]).includes(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn the_operator_allows_networks() {
        let allowed = reach(&["10.0.0.0/8", "127.0.0.1/32"]);

        let check = |server: &str| allowed.check(&server.parse().expect("an address")).is_ok();
        assert!(check("https://10.1.2.3:6443") && check("http://localhost:8001"));
        assert!(check("https://[::ffff:10.1.2.3]:6443") && check("https://prod.example"));
        assert!(!check("https://192.168.1.1") && !check("https://[::1]:6443"));
    }

    #[tokio::test]
    async fn a_name_is_dialled_at_addresses_within_reach_alone() {
        let found = async |networks: &[&str]| {
            let mut resolver = Resolver { all: GaiResolver::new(), reach: reach(networks) };
            let found = resolver.call("localhost".parse().expect("it is a name")).await;
            found.map(|mut all| all.next().is_some()).map_err(|error| error.kind())
        };

        assert_eq!(found(&[]).await, Err(io::ErrorKind::PermissionDenied));
        assert_eq!(found(&["127.0.0.0/8", "::1/128"]).await, Ok(true));
    }
}
