use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{PortChange, PortPurpose, Ports};
use crate::{
    error::{Error, Result},
    ids::TenantId,
    names,
    quota::{Amounts, QuotaDimension},
};

/// A local k3d or kind cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DevCluster {
    pub provider: DevClusterProvider,
    /// The address whose ports lead to it.
    pub host: String,
    pub subnet: Option<String>,
    pub ports: Ports<u16>,
    /// As asked for.
    pub requested: Ports<Option<u16>>,
    /// The address of its first node, once it runs.
    pub server_ip: Option<String>,
    /// What was asked for last: that it be stopped, or that it run.
    pub stopped: bool,
    /// For other tools to go by.
    pub register_portainer: bool,
    pub haproxy_route: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DevClusterProvider {
    K3d,
    Kind,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct NewDevCluster {
    pub name: String,
    pub tenant_id: Option<TenantId>,
    pub provider: DevClusterProvider,
    pub subnet: Option<String>,
    /// The first of the settings where absent.
    pub host: Option<String>,
    pub ports: Ports<Option<i64>>,
    pub register_portainer: Option<bool>,
    pub haproxy_route: Option<bool>,
}

/// The same, checked.
#[derive(Clone, Debug)]
pub(super) struct DevOrder {
    pub name: String,
    pub tenant_id: Option<TenantId>,
    pub provider: DevClusterProvider,
    pub subnet: Option<String>,
    pub host: String,
    pub ports: Ports<Option<u16>>,
    pub register_portainer: Option<bool>,
    pub haproxy_route: Option<bool>,
}

impl DevClusterProvider {
    pub const ALL: [Self; 2] = [Self::K3d, Self::Kind];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::K3d => "K3D",
            Self::Kind => "KIND",
        }
    }

    /// As people write it, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str().eq_ignore_ascii_case(text))
    }
}

impl DevCluster {
    /// With the prefix that tells ours from others no longer than k3d takes.
    pub const LONGEST_NAME: usize = 24;

    pub fn scope(host: &str) -> String {
        format!("hosts/{host}")
    }

    pub fn takes() -> Amounts {
        Amounts::of(QuotaDimension::Clusters, 1)
    }

    /// Which ports are other than those that were asked for.
    pub fn ports_changed(&self) -> Vec<PortChange> {
        self.requested.changes(&self.ports)
    }
}

impl NewDevCluster {
    /// `field` is the path of the input, `hosts` those that there are.
    pub(super) fn checked(self, field: &str, hosts: &[Ipv4Addr]) -> Result<DevOrder> {
        let Self { name, tenant_id, provider, subnet, host, ports, .. } = self;
        let path = |name: &str| format!("{field}.{name}");
        if provider == DevClusterProvider::Kind && subnet.is_some() {
            return Err(Error::invalid(path("subnet"), "is for K3D"));
        }
        let port = |name, port| checked_port(&path(name), port);
        Ok(DevOrder {
            name: names::label(&path("name"), &name, DevCluster::LONGEST_NAME)?,
            tenant_id,
            provider,
            subnet: subnet.map(|subnet| checked_subnet(&path("subnet"), subnet)).transpose()?,
            host: checked_host(&path("host"), host, hosts)?,
            ports: Ports {
                node: port("nodePort", ports.node)?,
                port_forward: port("portForwardPort", ports.port_forward)?,
                http: port("httpPort", ports.http)?,
                https: port("httpsPort", ports.https)?,
            },
            register_portainer: self.register_portainer,
            haproxy_route: self.haproxy_route,
        })
    }
}

fn checked_host(field: &str, host: Option<String>, hosts: &[Ipv4Addr]) -> Result<String> {
    let known = match host {
        None => hosts.first(),
        Some(host) => hosts.iter().find(|known| Ok(**known) == host.parse()),
    };
    let shown = || hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    known
        .map(ToString::to_string)
        .ok_or_else(|| Error::invalid(field, format!("must be one of {}", shown())))
}

fn checked_subnet(field: &str, subnet: String) -> Result<String> {
    let fits = subnet.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<Ipv4Addr>().is_ok()
            && bits.parse::<u8>().is_ok_and(|bits| (8..=28).contains(&bits))
    });
    match fits {
        true => Ok(subnet),
        false => Err(Error::invalid(field, "must be a network such as 172.28.0.0/16")),
    }
}

fn checked_port(field: &str, port: Option<i64>) -> Result<Option<u16>> {
    let parse = |port: i64| u16::try_from(port).ok().filter(|port| *port >= 1024);
    let port = port
        .map(|port| parse(port).ok_or_else(|| Error::invalid(field, "must be from 1024 to 65535")));
    port.transpose()
}

/// What a purpose is called where a cluster is asked for.
pub(super) fn field_of(purpose: PortPurpose) -> &'static str {
    match purpose {
        PortPurpose::Node => "nodePort",
        PortPurpose::PortForward => "portForwardPort",
        PortPurpose::Http => "httpPort",
        PortPurpose::Https => "httpsPort",
    }
}
